from dataclasses import replace

import numpy as np
import pytest

from unveilify.core.errors import UserError
from unveilify.evaluation.config import EvaluateConfig
from unveilify.evaluation.samples import Samples


def same(a, b) -> bool:
    return np.array_equal(a, b)


def test_the_order_is_that_of_the_split(memory_shards) -> None:
    samples = Samples(memory_shards.test, EvaluateConfig(), None)
    assert [s.key for s in samples] == [f"{i:020d}" for i in range(20)]
    assert samples.size_px == 32


def test_fewer_triplets_are_spread_over_the_split(memory_shards) -> None:
    samples = Samples(memory_shards.test, EvaluateConfig(triplets=5), None)
    assert samples.indices == [0, 4, 8, 12, 16]
    assert set(samples.identities) == {f"person{i}" for i in range(5)}


def test_others_are_the_persons_photos_but_neither_target_nor_given(memory_shards) -> None:
    split = memory_shards.test
    sample = Samples(split, EvaluateConfig(), None)[5]
    assert len(sample.identity) == 1, "repeats of an identity image are not counted"
    expected = [split.photo(1, 3), split.photo(1, 0)]
    assert len(sample.others) == 2
    assert all(any(same(photo, other) for other in sample.others) for photo in expected)
    assert not any(same(sample.unmasked, o) or same(sample.identity[0], o) for o in sample.others)


def test_others_are_limited_and_always_the_same(memory_shards) -> None:
    a = Samples(memory_shards.test, EvaluateConfig(others=1), None)[5]
    b = Samples(memory_shards.test, EvaluateConfig(others=1), None)[5]
    assert len(a.others) == 1
    assert same(a.others[0], b.others[0])


def test_the_stranger_is_another_person(memory_shards) -> None:
    split = memory_shards.test
    for n, sample in enumerate(Samples(split, EvaluateConfig(), None)):
        own = [split.photo(n // 4, k) for k in range(4)]
        (stranger,) = sample.with_stranger().identity
        assert not any(same(stranger, photo) for photo in own)
        assert same(sample.with_stranger().unmasked, sample.unmasked)


def test_one_person_alone_has_no_stranger(memory_shards) -> None:
    memory_shards.test.people = 1
    assert Samples(memory_shards.test, EvaluateConfig(), None)[0].stranger is None


def test_pictures_come_at_the_size_of_the_comparison(memory_shards) -> None:
    sample = Samples(memory_shards.test, EvaluateConfig(), 16)[0]
    for picture in (
        sample.masked,
        sample.unmasked,
        sample.alpha,
        *sample.identity,
        *sample.others,
        *sample.stranger.identity,
    ):
        assert picture.shape[:2] == (16, 16)
    assert 0.2 < sample.hole.mean() < 0.4


def test_an_empty_split_is_refused(memory_shards) -> None:
    memory_shards.test.people = 0
    with pytest.raises(UserError, match="no triplets"):
        Samples(memory_shards.test, EvaluateConfig(), None)


@pytest.mark.parametrize("size_px", [32, 16])
def test_landmarks_follow_their_pictures(memory_shards, size_px: int) -> None:
    """Sample i has its landmarks at pixel i + 0.5 of 32, its identity image at i + 1, the next person's four later."""
    sample = Samples(memory_shards.test, EvaluateConfig(), size_px)[5]
    for found, pixel in (
        (sample.landmarks[1:2], 5.5),
        (sample.landmarks[2:], 6),
        (sample.with_stranger().landmarks[2:], 9),
    ):
        (points,) = found
        np.testing.assert_allclose(points, np.full((5, 2), (pixel + 0.5) / 32), rtol=1e-6)
    assert sample.given(0).landmarks == sample.landmarks[:2]


def test_a_person_without_an_identity_image_is_no_stranger(memory_shards, monkeypatch: pytest.MonkeyPatch) -> None:
    split = memory_shards.test
    read = split.read
    monkeypatch.setattr(split, "read", lambda i: replace(read(i), real=0 if i // 4 == 1 else 1))
    samples = Samples(split, EvaluateConfig(), None)
    assert samples[5].identity == samples[5].landmarks[2:] == ()
    assert same(samples[3].stranger.identity[0], split.photo(2, 1))


def test_a_relative_is_no_stranger(memory_shards) -> None:
    split = memory_shards.test
    split.people, split.family = 6, 2
    for n, sample in enumerate(Samples(split, EvaluateConfig(), None)):
        family = [split.photo(person, k) for person in (n // 8 * 2, n // 8 * 2 + 1) for k in range(4)]
        (stranger,) = sample.stranger.identity
        assert not any(same(stranger, photo) for photo in family)
    split.people = 2
    assert Samples(split, EvaluateConfig(), None)[0].stranger is None


def test_a_copy_of_what_was_given_is_no_other_photo(memory_shards, monkeypatch) -> None:
    """Encoded again, brighter or mirrored, the reference would win by being copied."""
    split = memory_shards.test
    plain = split.photo

    def photo(person: int, number: int) -> np.ndarray:
        changed = np.clip(plain(person, 2 if number == 3 else number).astype(int) + 2 * (number == 3), 0, 255)
        return np.ascontiguousarray(changed.astype(np.uint8)[:, :: -1 if number == 3 else 1])

    monkeypatch.setattr(split, "photo", photo)
    sample = Samples(split, EvaluateConfig(), None)[1]  # photo 1, given photo 2, of which photo 3 is a copy
    assert len(sample.others) == 1
    assert same(sample.others[0], photo(0, 0))
