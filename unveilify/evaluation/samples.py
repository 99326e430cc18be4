"""The triplets that every network is judged on, in one fixed order and at one size."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from unveilify.core.errors import UserError
from unveilify.core.landmark_rows import shares
from unveilify.core.landmarks import Points
from unveilify.core.records import Image, Triplet
from unveilify.evaluation.config import EvaluateConfig
from unveilify.shards.leaks import alike, look_of


class Split(Protocol):
    """What is needed of a split of the shards."""

    def __len__(self) -> int: ...

    def read(self, index: int) -> Triplet:
        """The sample at ``index``, decoded."""

    def identity(self, index: int) -> str:
        """Whose photo it is."""

    def group(self, index: int) -> str:
        """The people that are not independent of each other: a family, or the person alone."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One test triplet at the size of the comparison; ``hole`` (S, S) is true where alpha is above 0.

    ``given`` are the identity images without repeats, ``strangers`` those of another person, ``others``
    photos of the person that are neither the target nor among the given, nor look like one of these.

    ``landmarks`` (N, D) are those found on the masked picture, ``given_landmarks`` and ``stranger_landmarks`` those of
    each such photo: shares of the side (`core.landmark_rows.shares`), NaN or None where unknown.
    """

    key: str
    identity: str
    masked: Image
    unmasked: Image
    alpha: Image
    given: tuple[Image, ...]
    strangers: tuple[Image, ...]
    others: tuple[Image, ...]
    meta: dict[str, Any]
    landmarks: Points | None = None
    given_landmarks: tuple[Points | None, ...] = ()
    stranger_landmarks: tuple[Points | None, ...] = ()

    @property
    def hole(self) -> npt.NDArray[np.bool_]:
        """Where the mask added anything."""
        return np.asarray(self.alpha > 0)

    def with_stranger(self) -> "Sample":
        """The same sample with a stranger's identity images in place of the person's own."""
        return replace(self, given=self.strangers, given_landmarks=self.stranger_landmarks)

    def alone(self) -> "Sample":
        """The same sample without any identity image."""
        return replace(self, given=(), given_landmarks=())


class Samples:
    """The chosen samples of a split: every n-th, so that at most ``config.triplets`` remain."""

    def __init__(self, split: Split, config: EvaluateConfig, size_px: int | None) -> None:
        if not len(split):
            raise UserError(f"The {config.split} split has no triplets: give more identities to `unveilify shard`.")
        self.size_px = size_px or split.read(0).unmasked.shape[0]
        self._split, self._given, self._others = split, config.given, config.others
        self.indices = spread(len(split), config.triplets or len(split))
        self.identities = np.array([split.identity(i) for i in self.indices])
        self.groups = np.array([split.group(i) for i in self.indices])
        self._photos: dict[str, dict[bytes, _Place]] | None = None

    def __len__(self) -> int:
        return len(self.indices)

    def __iter__(self) -> Iterator[Sample]:
        return (self[n] for n in range(len(self)))

    def __getitem__(self, n: int) -> Sample:
        if not 0 <= n < len(self):
            raise IndexError(n)
        triplet = self._split.read(self.indices[n])
        stranger = self._stranger(n)
        return Sample(
            key=triplet.key,
            identity=str(self.identities[n]),
            masked=resize(triplet.masked, self.size_px),
            unmasked=resize(triplet.unmasked, self.size_px),
            alpha=resize(triplet.alpha, self.size_px),
            given=self._identity(triplet),
            strangers=() if stranger is None else self._identity(stranger),
            others=self._others_of(triplet, str(self.identities[n])),
            meta=triplet.meta,
            landmarks=landmarks_of(triplet)[1],
            given_landmarks=self._identity_landmarks(triplet),
            stranger_landmarks=() if stranger is None else self._identity_landmarks(stranger),
        )

    def stored(self, n: int) -> Triplet:
        """Sample ``n`` as it lies in the shards, at its stored size."""
        return self._split.read(self.indices[n])

    def _stranger(self, n: int) -> Triplet | None:
        """The next sample of another group that has identity images; none if there is none.

        A relative is no stranger: families look alike.
        """
        after = (n + np.arange(1, len(self))) % len(self)
        foreign = after[self.groups[after] != self.groups[n]]
        return next((t for i in foreign if (t := self._split.read(self.indices[int(i)])).real), None)

    def _count(self, triplet: Triplet) -> int:
        return triplet.real if self._given is None else min(triplet.real, self._given)

    def _identity(self, triplet: Triplet) -> tuple[Image, ...]:
        return tuple(resize(photo, self.size_px) for photo in triplet.identity[: self._count(triplet)])

    def _identity_landmarks(self, triplet: Triplet) -> tuple[Points | None, ...]:
        return tuple(landmarks_of(triplet)[2 : 2 + self._count(triplet)])

    def _others_of(self, triplet: Triplet, identity: str) -> tuple[Image, ...]:
        if self._photos is None:
            self._photos = self._index()
        shown = [look_of(p) for p in (triplet.unmasked, *triplet.identity[: triplet.real])]
        free = [
            place
            for _, place in sorted(self._photos[identity].items())
            if not any(alike(place.look, look) for look in shown)
        ]
        return tuple(resize(self._photo(place), self.size_px) for place in free[: self._others])

    def _index(self) -> dict[str, dict[bytes, "_Place"]]:
        """Every distinct photo of the people at hand: pixel digest -> where it is.

        Going by pixels, a photo that is a target here and an identity image there counts once.
        """
        wanted = set(self.identities.tolist())
        found: dict[str, dict[bytes, _Place]] = {name: {} for name in wanted}
        for i in range(len(self._split)):
            name = self._split.identity(i)
            if name in wanted:
                triplet = self._split.read(i)
                for slot, photo in enumerate((triplet.unmasked, *triplet.identity[: triplet.real])):
                    found[name].setdefault(_digest(photo), _Place(i, slot, look_of(photo)))
        return found

    def _photo(self, place: "_Place") -> Image:
        triplet = self._split.read(place.index)
        return (triplet.unmasked, *triplet.identity)[place.slot]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a photo is in the split, and its `leaks.look_of`."""

    index: int
    slot: int
    look: bytes


def spread(count: int, most: int) -> list[int]:
    """At most ``most`` of the numbers 0 … count-1, spread evenly."""
    wanted = min(most, count)
    return [i * count // wanted for i in range(wanted)]


def resize(image: Image, size_px: int) -> Image:
    """A square picture or alpha at another size: area averages when it shrinks, bicubic when it grows."""
    side = image.shape[0]
    if side == size_px:
        return image
    how = cv2.INTER_AREA if size_px < side else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (size_px, size_px), interpolation=how), np.uint8)


def landmarks_of(triplet: Triplet) -> list[Points | None]:
    """Of the unmasked picture, the masked one and each identity image: landmarks (N, D) in shares of the side."""
    if triplet.landmarks is None:
        return [None] * (2 + len(triplet.identity))
    return list(shares(triplet.landmarks, triplet.masked.shape[0]))


def _digest(photo: Image) -> bytes:
    return blake2b(photo.tobytes(), digest_size=16).digest()
