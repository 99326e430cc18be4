"""Finding masks on whole photos: every face, at its place, and a clear answer where there is none."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from unveilify.core.found import worn
from unveilify.core.records import Face
from unveilify.faces.align import LARGEST_PX, crop, side_of
from unveilify.faces.find import Finder
from unveilify.models.contract import Batch, Output
from unveilify.models.system import NetworkSystem
from unveilify.unmask.find import Found, find, find_mask

RGB = NDArray[np.uint8]
BOX = (slice(0.55, 0.85), slice(0.3, 0.7))


class Boxes(nn.Module):
    """Finds a box where mouths are, on pictures that are not black there."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, batch: Batch) -> Output:
        side = batch.masked.shape[-1]
        rows, columns = (slice(round(s.start * side), round(s.stop * side)) for s in BOX)
        alpha = torch.zeros_like(batch.masked[:, :1])
        alpha[..., rows, columns] = (batch.masked[..., rows, columns].mean(1, keepdim=True) > -0.9).float()
        return Output(batch.masked, alpha)


@pytest.fixture(scope="module")
def faces(astronaut: RGB) -> list[Face]:
    return Finder().find(astronaut)


def test_a_mask_is_found_at_its_place(astronaut: RGB, faces: list[Face]) -> None:
    found = find(astronaut, faces, NetworkSystem(Boxes(), 64))
    assert (found.faces, found.masked) == (1, 1)
    assert found.hole.shape == astronaut.shape[:2]
    assert found.hole.dtype == np.uint8
    size = side_of(faces[0], 64)
    matrix = crop(astronaut, faces[0].landmarks, size).matrix
    y, x = np.nonzero(found.hole > 127)
    middle = matrix @ [x.mean(), y.mean(), 1]
    assert middle == pytest.approx([0.5 * size, 0.7 * size], abs=0.02 * size)


def test_every_face_is_looked_at(astronaut: RGB) -> None:
    both = np.hstack([astronaut, np.where(np.arange(512)[:, None, None] > 140, 0, astronaut)]).astype(np.uint8)
    faces = Finder().find(astronaut)
    moved = Finder().find(np.hstack([np.zeros_like(astronaut), astronaut]))
    found = find(both, [*faces, *moved], NetworkSystem(Boxes(), 64))
    assert (found.faces, found.masked) == (2, 1)
    assert found.hole[:, :512].any()
    assert not found.hole[:, 512:].any(), "the second face has nothing to be found"


def test_no_face_is_no_mask(astronaut: RGB) -> None:
    found = find(astronaut, [], NetworkSystem(Boxes(), 64))
    assert isinstance(found, Found)
    assert (found.faces, found.masked, int(found.hole.max())) == (0, 0, 0)


def test_a_crop_of_any_side(astronaut: RGB, faces: list[Face]) -> None:
    for side in (64, 100, 300):
        alpha = find_mask(crop(astronaut, faces[0].landmarks, side).image, NetworkSystem(Boxes(), 64))
        assert alpha.shape == (side, side)
        assert worn(alpha)
    assert not worn(np.zeros((64, 64), np.float32))


def test_a_huge_face_is_reduced(astronaut: RGB, faces: list[Face]) -> None:
    assert side_of(faces[0], 64) >= 64
    huge = Finder().find(np.asarray(np.kron(astronaut[:300, 100:400], np.ones((8, 8, 1))), np.uint8))
    assert side_of(huge[0], 64) == LARGEST_PX
