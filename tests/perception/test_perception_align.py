"""From face crop to recogniser template: the eyes land right, both ways agree, nothing aliases."""

import numpy as np
import pytest
import torch

from unveilify.core.geometry import apply
from unveilify.faces.align import eyes
from unveilify.perception.align import TEMPLATE_EYES, crop_to_template, template_image, template_tensor

SIZES = [32, 64, 112, 128, 256, 512]


@pytest.mark.parametrize("size_px", SIZES)
def test_the_eyes_of_a_face_crop_land_on_the_template_s(size_px):
    np.testing.assert_allclose(apply(crop_to_template(size_px), eyes(size_px)), TEMPLATE_EYES, atol=1e-9)


@pytest.mark.parametrize("size_px", SIZES)
def test_tensors_and_pictures_are_mapped_alike(size_px, astronaut):
    import cv2

    photo = cv2.resize(np.ascontiguousarray(astronaut[0:256, 96:352]), (size_px, size_px), interpolation=cv2.INTER_AREA)
    picture = template_image(photo)
    tensor = template_tensor(torch.from_numpy(photo).permute(2, 0, 1)[None].float())[0].permute(1, 2, 0)
    difference = np.abs(tensor.numpy() - picture)
    assert difference.mean() < 1.5
    assert np.quantile(difference, 0.99) < 12


def test_a_large_picture_is_not_aliased():
    board = (torch.arange(512)[:, None] + torch.arange(512)) % 2 * 2.0 - 1
    assert template_tensor(board.expand(1, 3, 512, 512)).abs().max() < 0.1


@pytest.mark.parametrize("size_px", [64, 256])
def test_every_pixel_of_the_face_gets_a_gradient(size_px):
    crop = torch.zeros(1, 3, size_px, size_px, requires_grad=True)
    template_tensor(crop).sum().backward()
    face = slice(round(0.15 * size_px), round(0.8 * size_px))
    assert (crop.grad[:, :, face, face] > 0).all()
