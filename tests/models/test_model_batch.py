"""A batch carries its landmarks wherever it goes."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from unveilify.core.batch import Batch, alpha_bytes, to_bytes
from unveilify.core.sample import Sample, resize

TENSORS = [part.name for part in fields(Batch) if part.name not in ("keys", "stranger")]


@pytest.fixture
def marked(make_batch: object) -> Batch:
    batch: Batch = make_batch(3, 32, 2)  # type: ignore[operator]
    rows = torch.rand(3, 4, 5, 2)
    points = {"landmarks": rows[:, 1], "identity_landmarks": rows[:, 2:], "unmasked_landmarks": rows[:, 0]}
    return replace(batch, **points, inside=(batch.hole < 0.5).float())


def test_a_move_keeps_every_part(marked: Batch) -> None:
    moved = marked.to("cpu")
    for name in TENSORS:
        assert torch.equal(getattr(moved, name), getattr(marked, name))
    assert replace(marked, landmarks=None).to("cpu").landmarks is None


def test_the_first_samples(marked: Batch) -> None:
    assert len(marked.first(2)) == 2
    for name in TENSORS:
        assert torch.equal(getattr(marked.first(2), name), getattr(marked, name)[:2])


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


def sample(key: str, count: int, scheme: int = 5) -> Sample:
    rng = np.random.default_rng(int(key))
    picture, *photos = rng.integers(0, 256, (1 + count, 8, 8, 3), np.uint8)
    points = tuple(rng.random((scheme, 2), np.float32) for _ in range(2 + count))
    return Sample(key, f"p{key}", picture, picture[::-1], picture[..., 0], tuple(photos), count, points)


def test_samples_become_floats_and_bytes_again() -> None:
    samples = [sample("0", 2), sample("1", 0), sample("2", 1, scheme=68)]
    batch = Batch.of(samples)
    assert batch.keys == ("0", "1", "2")
    assert batch.real.tolist() == [2, 0, 1]
    for number, one in enumerate(samples):
        assert np.array_equal(to_bytes(batch.masked)[number], one.masked)
        assert np.array_equal(to_bytes(batch.unmasked)[number], one.unmasked)
        assert np.array_equal(alpha_bytes(batch.hole)[number], one.alpha)
        for slot, photo in enumerate(one.identity):
            assert np.array_equal(to_bytes(batch.identity[number])[slot], photo)
    assert torch.equal(batch.identity[2, 0], batch.identity[2, 1]), "the first repeats"
    assert not batch.identity[1].any(), "mid-grey where there is none"
    assert batch.identity_landmarks[1:].isnan().all(), "none, or of another scheme"


def test_another_size_is_that_of_the_pictures() -> None:
    samples = [replace(sample("0", 1), stranger=sample("3", 1)), sample("1", 1)]
    small, want = Batch.of(samples).sized(4), Batch.of([one.sized(4) for one in samples])
    for one, other in ((small, want), (small.stranger, want.stranger)):
        for name in set(TENSORS) - {"inside"}:
            assert torch.allclose(getattr(one, name), getattr(other, name), 0, 0, equal_nan=True)
    half = replace(Batch.of(samples), inside=torch.tensor([0.0, 1.0]).repeat_interleave(4).expand(2, 1, 8, 8))
    assert half.sized(4).inside[0, 0, 0].tolist() == [0, 0, 1, 1]
    assert np.array_equal(to_bytes(small.with_strangers().identity[0])[0], resize(samples[0].stranger.identity[0], 4))
    assert small.with_strangers().real.tolist() == [1, 0], "nobody's where there is no stranger"
