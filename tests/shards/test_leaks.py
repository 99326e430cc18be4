"""The leakage check finds copies and look-alikes across splits, and nothing else."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from unveilify.core.errors import UserError
from unveilify.shards.leaks import Crop, Leak, find, perceptual_hash, to_drop


def encoded(picture: NDArray[np.uint8], quality: int) -> bytes:
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def bits_between(a: bytes, b: bytes) -> int:
    return (int.from_bytes(a, "big") ^ int.from_bytes(b, "big")).bit_count()


def test_the_hash_survives_encoding_and_tells_pictures_apart(astronaut: NDArray[np.uint8]) -> None:
    face = astronaut[:256, 100:356]
    same = perceptual_hash(encoded(face, 95), "a")
    again = perceptual_hash(encoded(cv2.resize(face, (160, 160), interpolation=cv2.INTER_AREA), 70), "b")
    moved = perceptual_hash(encoded(astronaut[60:316, 60:316], 95), "c")
    assert len(same) == 32
    assert bits_between(same, again) <= 16 < 60 < bits_between(same, moved)


def test_a_crop_that_does_not_decode_is_named() -> None:
    for data in (b"", b"no jpeg"):
        with pytest.raises(UserError, match="crop part-1: k7"):
            perceptual_hash(data, "part-1: k7")


def test_pairs_are_found_once_under_their_strongest_kind() -> None:
    zero, one, far = bytes(32), bytes(31) + b"\x07", b"\xff" * 32
    crops = [
        Crop("a", "train", "photo1", "crop1", zero),
        Crop("b", "test", "photo1", "crop1", zero),
        Crop("c", "val", "photo2", "crop2", one),
        Crop("d", "train", "photo3", "crop3", far),
        Crop("e", "train", "photo3", "crop3", far),
        Crop("f", "test", "photo4", "crop3", bytes(32)),
    ]
    expected = [
        Leak("same photo", "a", "b", ("train", "test"), 0),
        Leak("look alike", "a", "c", ("train", "val"), 3),
        Leak("look alike", "a", "f", ("train", "test"), 0),
        Leak("same crop", "d", "f", ("train", "test"), 256),
        Leak("same crop", "e", "f", ("train", "test"), 256),
        Leak("look alike", "c", "b", ("val", "test"), 3),
        Leak("look alike", "c", "f", ("val", "test"), 3),
    ]
    key = repr
    assert sorted(find(crops, 3), key=key) == sorted(expected, key=key)
    assert find(crops, 3) == find(crops[::-1], 3)
    assert not any(leak.bits == 3 for leak in find(crops, 2))
    left = [crop for crop in crops if crop.key not in to_drop(find(crops, 3))]
    assert {crop.key for crop in left} == {"b", "f"}
    assert find(left, 3) == []


def test_all_pairs_are_compared_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unveilify.shards.leaks.BLOCK", 7)
    rng = np.random.default_rng(0)
    looks = [rng.integers(0, 256, 32, np.uint8).tobytes() for _ in range(60)]
    splits = [("train", "val", "test")[i % 3] for i in range(60)]
    crops = [Crop(f"{i:02}", splits[i], str(i), str(i), looks[i]) for i in range(60)]
    expected = {
        frozenset((f"{i:02}", f"{j:02}"))
        for i in range(60)
        for j in range(i)
        if splits[i] != splits[j] and bits_between(looks[i], looks[j]) <= 115
    }
    assert {frozenset((leak.first, leak.second)) for leak in find(crops, 115)} == expected != set()
