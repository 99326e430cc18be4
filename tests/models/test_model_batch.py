"""A batch carries its landmarks wherever it goes."""

from dataclasses import fields, replace

import pytest
import torch

from unveilify.models.parts.contract import Batch


@pytest.fixture
def marked(make_batch: object) -> Batch:
    batch: Batch = make_batch(3, 32, 2)  # type: ignore[operator]
    rows = torch.rand(3, 4, 5, 2)
    return replace(batch, landmarks=rows[:, 1], identity_landmarks=rows[:, 2:], unmasked_landmarks=rows[:, 0])


def test_a_move_keeps_every_part(marked: Batch) -> None:
    moved = marked.to("cpu")
    for part in fields(Batch):
        assert torch.equal(getattr(moved, part.name), getattr(marked, part.name))
    assert replace(marked, landmarks=None).to("cpu").landmarks is None


def test_the_first_samples(marked: Batch) -> None:
    assert len(marked.first(2)) == 2
    for part in fields(Batch):
        assert torch.equal(getattr(marked.first(2), part.name), getattr(marked, part.name)[:2])


def test_landmarks_go_with_their_pictures(marked: Batch) -> None:
    assert marked.identity_landmarks is not None
    strangers, nobody = marked.with_strangers(), marked.without_identity()
    for got, sample in ((0, 2), (1, 0), (2, 1)):
        assert strangers.identity_landmarks is not None
        assert torch.equal(strangers.identity[got], marked.identity[sample])
        assert torch.equal(strangers.identity_landmarks[got], marked.identity_landmarks[sample])
    assert strangers.landmarks is marked.landmarks
    assert nobody.identity_landmarks is not None
    assert nobody.identity_landmarks.isnan().all()
    assert nobody.landmarks is marked.landmarks


def test_a_batch_without_landmarks(make_batch: object) -> None:
    whole: Batch = make_batch(3, 32)  # type: ignore[operator]
    batch = replace(whole, landmarks=None, identity_landmarks=None, unmasked_landmarks=None)
    for other in (batch, batch.to("cpu"), batch.first(1), batch.with_strangers(), batch.without_identity()):
        assert other.landmarks is other.identity_landmarks is other.unmasked_landmarks is None
