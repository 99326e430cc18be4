"""Wild photos: what they show, and that a sample's depends on its place in the training alone."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from unveilify.core.batch import Batch
from unveilify.faces.align import crop
from unveilify.faces.find import Finder
from unveilify.masks.choose import choose
from unveilify.masks.compose import compose
from unveilify.masks.config import MaskConfig
from unveilify.masks.draw import draw
from unveilify.training.wild import wild
from unveilify.training.wild.cloth import bent, dressed, lifted
from unveilify.training.wild.layers import skin

RGB = NDArray[np.uint8]
SIDE = 64


@pytest.fixture(scope="module")
def photo(astronaut: RGB) -> tuple[RGB, RGB, RGB]:
    """Masked, bare and alpha of one face crop."""
    face = crop(astronaut, Finder().find(astronaut)[0].landmarks, SIDE)
    overlay = draw(face.image, face.landmarks, choose(MaskConfig(styles={"surgical": 1}, wears={"proper": 1}), 0, "a"))
    return compose(face.image, overlay), face.image, overlay.alpha


def samples(photo: tuple[RGB, RGB, RGB], count: int) -> Batch:
    masked, bare, alpha = (torch.from_numpy(np.atleast_3d(x).transpose(2, 0, 1).copy())[None] for x in photo)
    points = torch.full((count, 3, 5, 2), 0.5)
    covered, truth, hole = (x.repeat(count, 1, 1, 1) for x in (masked, bare, alpha))
    nobody = torch.zeros(count, 1, 3, 8, 8, dtype=torch.uint8)
    return Batch(covered, nobody, torch.zeros(count), hole, truth, points[:, 1], points[:, 2:], points[:, 0])


def test_no_two_are_alike_and_a_third_wears_no_mask(photo: tuple[RGB, RGB, RGB]) -> None:
    shown = wild(samples(photo, 120), 0, 0)
    assert shown.masked.dtype == shown.hole.dtype == torch.uint8
    assert shown.masked.shape == shown.unmasked.shape == (120, 3, SIDE, SIDE)
    bare = shown.hole.flatten(1).amax(1) == 0
    assert 0.2 < float(bare.float().mean()) < 0.5
    assert len({x.numpy().tobytes() for x in shown.masked}) == 120
    worn = shown.masked[~bare].float() - shown.unmasked[~bare].float()
    inside = (shown.hole[~bare] > 200).expand_as(worn)
    assert worn.abs()[inside].mean() > 2 * worn.abs()[~inside].mean(), "alpha is where the mask is"


def test_a_sample_depends_on_its_position_alone(photo: tuple[RGB, RGB, RGB]) -> None:
    together = wild(samples(photo, 6), 3, 10)
    halves = [wild(samples(photo, 3), 3, position) for position in (10, 13)]
    for name in ("masked", "unmasked", "hole"):
        parts = torch.cat([getattr(half, name) for half in halves])
        assert torch.equal(getattr(together, name), parts)
    assert not torch.equal(together.masked, wild(samples(photo, 6), 4, 10).masked)


def test_a_mask_is_lifted_off_its_photo(photo: tuple[RGB, RGB, RGB]) -> None:
    masked, bare, alpha = photo
    cloth, there = lifted(masked, bare, alpha)
    again = bare + there[..., None] * (cloth - bare)
    assert np.abs(again - masked).max() <= 4


def test_cloth_of_many_colours_keeps_its_place(photo: tuple[RGB, RGB, RGB]) -> None:
    masked, bare, alpha = photo
    cloth, there = lifted(masked, bare, alpha)
    face = bare.astype(np.float32)
    colours = np.array([dressed(cloth, there, face, np.random.default_rng(n))[there > 0.9].mean(0) for n in range(60)])
    assert colours.std(0).min() > 40
    near = np.abs(colours - skin(face)).max(1)
    assert near.min() < 40, "some cloth has the colour of skin"
    areas = [float(bent(cloth, there, np.random.default_rng(n))[1].sum() / there.sum()) for n in range(40)]
    assert 0.8 < float(np.median(areas)) < 1.25
    assert np.std(areas) > 0.03


def test_a_picture_without_a_mask_gets_none(photo: tuple[RGB, RGB, RGB]) -> None:
    _, bare, alpha = photo
    shown = wild(samples((bare, bare, np.zeros_like(alpha)), 20), 0, 0)
    assert not shown.hole.any()
