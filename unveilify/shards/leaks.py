"""Photos that two splits share: the same bytes, or the same look."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from unveilify.core.errors import UserError
from unveilify.core.records import Image
from unveilify.shards.split import SPLITS

LEAKS = "leaks.json"
SIDE = 16
BITS = 16
"""Of 33 million pairs of different people in LFW none differs in fewer than 27 bits, while a photo that was encoded
again at quality 60 or scaled by 0.6 differs from itself in 8 to 10 (90th percentile)."""
BLOCK = 4096
"""Crops compared at a time: bounds the memory to about 100 MB."""


class Crop(NamedTuple):
    """What is compared of one face crop: hex SHA-256 of the photo and of the crop's JPEG, and its `perceptual_hash`."""

    key: str
    split: str
    photo: str
    pixels: str
    look: bytes


@dataclass(frozen=True, slots=True)
class Leak:
    """Two crops in different splits; ``first`` is in the earlier split (train before val before test).

    ``kind``: "same photo", "same crop" or "look alike"; ``bits`` is how many of 256 hash bits differ.
    """

    kind: str
    first: str
    second: str
    splits: tuple[str, str]
    bits: int


def perceptual_hash(jpeg: bytes, name: str) -> bytes:
    """256 bits, as 32 bytes: is each cell of a 17 x 16 grey reduction brighter than its right neighbour (dHash).

    Raises:
        UserError: the picture does not decode; ``name`` says which.
    """
    data = np.frombuffer(jpeg, np.uint8)
    grey = cv2.imdecode(data, cv2.IMREAD_REDUCED_GRAYSCALE_4) if jpeg else None
    if grey is not None and min(grey.shape) <= SIDE:
        grey = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
    if grey is None:
        raise UserError(f"The face crop {name} does not decode: run `unveilify synth` again with --force.")
    return _look(np.asarray(grey, np.uint8))


def look_of(image: Image) -> bytes:
    """The `perceptual_hash` of a decoded picture (S, S, 3)."""
    return _look(np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8))


def alike(a: bytes, b: bytes, bits: int = BITS) -> bool:
    """Whether at most ``bits`` of two looks differ, as they are or with one picture turned left to right."""
    first, *others = (int.from_bytes(look) for look in (a, b, mirrored(b)))
    return min((first ^ other).bit_count() for other in others) <= bits


def mirrored(look: bytes) -> bytes:
    """The `perceptual_hash` of the picture turned left to right, but for cells that are equally bright."""
    bits = np.unpackbits(np.frombuffer(look, np.uint8)).reshape(SIDE, SIDE)
    return np.packbits(1 - bits[:, ::-1]).tobytes()


def _look(grey: Image) -> bytes:
    small = cv2.resize(grey, (SIDE + 1, SIDE), interpolation=cv2.INTER_AREA)
    return np.packbits(small[:, :-1] > small[:, 1:]).tobytes()


def find(crops: Sequence[Crop], bits: int) -> list[Leak]:
    """Every pair of crops in two splits that share a photo, are equal, or differ in at most ``bits`` hash bits.

    A pair is listed once, under its strongest kind; the result does not depend on the order of ``crops``.
    All pairs are compared: 10,000 crops take a second, 200,000 a few minutes.
    """
    crops = sorted(crops, key=lambda crop: (SPLITS.index(crop.split), crop.key))
    bounds = np.searchsorted([SPLITS.index(crop.split) for crop in crops], np.arange(len(SPLITS) + 1))
    looks = np.frombuffer(b"".join(crop.look for crop in crops), np.uint8).reshape(len(crops), SIDE * SIDE // 8)
    alike = dict.fromkeys(_near(looks, bounds, bits), "look alike")
    alike.update((pair, "same crop") for pair in _sharing([crop.pixels for crop in crops], crops))
    alike.update((pair, "same photo") for pair in _sharing([crop.photo for crop in crops], crops))
    return [
        Leak(kind, crops[a].key, crops[b].key, (crops[a].split, crops[b].split), _distance(looks[a], looks[b]))
        for (a, b), kind in sorted(alike.items())
    ]


def to_drop(leaks: Iterable[Leak]) -> set[str]:
    """Keys whose removal ends all leaks: of each pair the one in the earlier split, so that test stays whole."""
    return {leak.first for leak in leaks}


def _near(looks: NDArray[np.uint8], bounds: NDArray[np.intp], bits: int) -> Iterator[tuple[int, int]]:
    """Pairs of indices, the first in an earlier split, whose hashes differ in at most ``bits`` bits."""
    for begin, end in pairwise(bounds):
        for a in range(begin, end, BLOCK):
            ones = _unpacked(looks[a : min(end, a + BLOCK)])
            for b in range(end, len(looks), BLOCK):
                others = _unpacked(looks[b : b + BLOCK])
                # Whole numbers below 2^24 are exact in float32, and BLAS is the fastest way to count common ones.
                differing = ones.sum(1)[:, None] + others.sum(1) - 2 * ones @ others.T
                yield from ((a + int(i), b + int(j)) for i, j in np.argwhere(differing <= bits))


def _unpacked(looks: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.unpackbits(looks, axis=1).astype(np.float32)


def _sharing(values: Sequence[str], crops: Sequence[Crop]) -> Iterator[tuple[int, int]]:
    """Pairs of indices (low, high) of crops with an equal value, in different splits."""
    buckets: dict[str, list[int]] = defaultdict(list)
    for i, value in enumerate(values):
        buckets[value].append(i)
    for same in buckets.values():
        yield from ((a, b) for a, b in combinations(same, 2) if crops[a].split != crops[b].split)


def _distance(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> int:
    return int(np.unpackbits(first ^ second).sum())
