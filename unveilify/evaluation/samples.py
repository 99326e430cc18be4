"""The triplets that every network is judged on, in one fixed order and at one size."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Protocol

import numpy as np

from unveilify.core.errors import UserError
from unveilify.core.records import Image
from unveilify.core.sample import Sample, resize
from unveilify.evaluation.config import EvaluateConfig
from unveilify.shards.leaks import alike, look_of


class Split(Protocol):
    """What is needed of a split of the shards."""

    def __len__(self) -> int: ...

    def read(self, index: int) -> Sample:
        """The sample at ``index``, decoded."""

    def key(self, index: int) -> str:
        """What it is called."""

    def identity(self, index: int) -> str:
        """Whose photo it is."""

    def group(self, index: int) -> str:
        """The people that are not independent of each other: a family, or the person alone."""


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
        sample = self.stored(n)
        stranger = self._stranger(n)
        shown = replace(
            sample.given(self._given),
            stranger=None if stranger is None else stranger.given(self._given),
        ).sized(self.size_px)
        return replace(shown, others=self._others_of(sample))

    def key(self, n: int) -> str:
        """The key of sample ``n``."""
        return self._split.key(self.indices[n])

    def stored(self, n: int) -> Sample:
        """Sample ``n`` as it lies in the shards, at its stored size."""
        return self._split.read(self.indices[n])

    def _stranger(self, n: int) -> Sample | None:
        """The next sample of another group that has identity images; none if there is none.

        A relative is no stranger: families look alike.
        """
        after = (n + np.arange(1, len(self))) % len(self)
        foreign = after[self.groups[after] != self.groups[n]]
        return next((t for i in foreign if (t := self._split.read(self.indices[int(i)])).real), None)

    def _others_of(self, sample: Sample) -> tuple[Image, ...]:
        if self._photos is None:
            self._photos = self._index()
        shown = [look_of(p) for p in (sample.unmasked, *sample.identity[: sample.real])]
        free = [
            place
            for _, place in sorted(self._photos[sample.person].items())
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


def _digest(photo: Image) -> bytes:
    return blake2b(photo.tobytes(), digest_size=16).digest()
