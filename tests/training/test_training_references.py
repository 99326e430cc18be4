"""References that are made by machine."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from unveilify.core.landmark_rows import shares
from unveilify.faces.align import crop
from unveilify.faces.find import Finder
from unveilify.models.contract import Batch
from unveilify.training.references import invent

SIDE = 128


@pytest.fixture(scope="module")
def batch(astronaut: NDArray[np.uint8]) -> Batch:
    """Twice the same face; the second person has another photo."""
    aligned = crop(astronaut, Finder().find(astronaut)[0].landmarks, SIDE)
    picture = torch.from_numpy(aligned.image).permute(2, 0, 1)[None].float() / 127.5 - 1
    points = torch.from_numpy(shares(aligned.landmarks.points, SIDE))[None]
    return Batch(
        masked=picture.repeat(2, 1, 1, 1),
        identity=torch.zeros(2, 1, 3, SIDE, SIDE),
        real=torch.tensor([0, 1]),
        hole=torch.zeros(2, 1, SIDE, SIDE),
        unmasked=picture.repeat(2, 1, 1, 1),
        landmarks=points.repeat(2, 1, 1),
        identity_landmarks=points.repeat(2, 1, 1)[:, None],
        unmasked_landmarks=points.repeat(2, 1, 1),
    )


def test_only_who_has_no_other_photo_gets_one(batch: Batch) -> None:
    made = invent(batch, 0, 0)
    assert made.real.tolist() == [1, 1]
    assert made.identity[0].abs().mean() > 0.1
    assert torch.equal(made.identity[1], batch.identity[1])
    assert torch.equal(made.identity_landmarks[1], batch.identity_landmarks[1])


def test_it_depends_on_seed_and_position_alone(batch: Batch) -> None:
    one, same, other = (invent(batch, 0, position, 1.0) for position in (8, 8, 16))
    assert torch.equal(one.identity, same.identity)
    assert not torch.equal(one.identity, other.identity)
    shifted = invent(batch, 0, 9, 1.0)
    assert torch.equal(one.identity[1], shifted.identity[0])


def test_it_shows_the_same_face_in_another_pose(batch: Batch) -> None:
    """The landmarks that come with it are those that a backend finds on it."""
    errors = []
    for position in range(0, 12, 2):
        made = invent(batch, 3, position)
        picture = ((made.identity[0, 0].permute(1, 2, 0) + 1) * 127.5).round().byte().numpy()
        found = Finder().find(picture)
        if found:
            there = shares(found[0].landmarks.points, SIDE)[:, :2]
            errors.append(float(np.abs(there - made.identity_landmarks[0, 0, :, :2].numpy()).mean()))
    assert len(errors) >= 4
    assert np.median(errors) < 0.02


def test_without_a_mesh_nothing_is_made(batch: Batch) -> None:
    unknown = replace(batch, unmasked_landmarks=torch.full_like(batch.unmasked_landmarks, torch.nan))
    assert invent(unknown, 0, 0).real.tolist() == [0, 1]
    assert invent(replace(batch, unmasked_landmarks=None), 0, 0) is not None
