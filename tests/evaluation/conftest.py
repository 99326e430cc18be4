"""A split in memory: invented people, cut out of one portrait with a tint of their own."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from unveilify.core.landmark_rows import shares
from unveilify.core.sample import Sample

Image = NDArray[np.uint8]


@dataclass
class MemorySplit:
    """People with four photos each; every photo is a target, the next one its identity image."""

    portrait: Image
    people: int = 5
    size: int = 32
    photos: int = 4
    family: int = 1
    reads: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return self.people * self.photos

    def key(self, index: int) -> str:
        return f"{index:020d}"

    def identity(self, index: int) -> str:
        return f"person{index // self.photos}"

    def group(self, index: int) -> str:
        return f"family{index // self.photos // self.family}"

    def photo(self, person: int, number: int) -> Image:
        rng = np.random.default_rng(person)
        x, y = 170 + 3 * number, 40 + 2 * number
        crop = self.portrait[y : y + 4 * self.size : 4, x : x + 4 * self.size : 4]
        return np.clip(crop * rng.uniform(0.5, 1.2, 3), 0, 255).astype(np.uint8)

    def read(self, index: int) -> Sample:
        self.reads.append(index)
        person, number = divmod(index, self.photos)
        truth = self.photo(person, number)
        alpha = np.zeros((self.size, self.size), np.uint8)
        alpha[self.size // 2 : -4, 6:-6] = 255
        masked = np.where(alpha[..., None] > 0, np.uint8(210), truth)
        return Sample(
            key=self.key(index),
            person=self.identity(index),
            masked=masked,
            unmasked=truth,
            alpha=alpha,
            identity=(self.photo(person, (number + 1) % self.photos),) * 2,
            real=1,
            landmarks=tuple(shares(np.full((5, 2), index + x, np.float32), self.size) for x in (0, 0.5, 1, 1)),
            meta={"mask": {"style": ("kf94", "surgical")[index % 2], "wear": "proper"}, "pose": {"yaw": float(index)}},
        )


@dataclass
class MemoryShards:
    """Train and test splits in memory."""

    test: MemorySplit
    train: MemorySplit
    hash: str = "memory"

    def split(self, name: str) -> MemorySplit:
        return self.test if name == "test" else self.train


@pytest.fixture
def memory_shards(astronaut: Image) -> MemoryShards:
    return MemoryShards(MemorySplit(astronaut), MemorySplit(astronaut, people=7))
