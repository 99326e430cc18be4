"""Shards as a torch dataset, for any training loop."""

from pathlib import Path
from typing import Any

from torch.utils.data import Dataset

from unveilify.shards.reader import ShardSet
from unveilify.shards.stream import StreamConfig, Triplets


class ShardDataset(Dataset[dict[str, Any]]):
    """One split of the shards, sample by sample; torch's own `DataLoader` makes batches of them.

    A sample is a dict: ``masked`` and ``unmasked`` (3, S, S) and ``identity`` (K, 3, S, S), RGB in [-1, 1]; ``hole``
    (1, S, S) in [0, 1]; ``real``, how many of the identity images are no repeats; ``landmarks`` (N, D) found on the
    masked picture, in shares of its side, NaN where unknown; ``key`` and ``person``.
    """

    def __init__(self, shards: ShardSet, split: str, size_px: int | None = None) -> None:
        self.split = shards.split(split)
        self._triplets = Triplets(self.split, StreamConfig(size_px=size_px, flip=False))

    def __len__(self) -> int:
        return len(self.split)

    def __getitem__(self, i: int) -> dict[str, Any]:
        if not 0 <= i < len(self):
            raise IndexError(i)
        batch = self._triplets[0, i].floats("cpu")
        parts = {
            name: getattr(batch, name)[0] for name in ("masked", "unmasked", "identity", "hole", "real", "landmarks")
        }
        return {**parts, "key": self.split.key(i), "person": self.split.identity(i)}


def open_shards(directory: str | Path, split: str = "train", *, size_px: int | None = None) -> ShardDataset:
    """A split of the output of `unveilify shard` as a torch dataset, see `ShardDataset`.

    Args:
        directory: where `unveilify shard` wrote, a folder on this machine. No URL: every sample is read at its place in a
            file, and its checksum compared; shards from elsewhere are copied first.
        split: train, val or test.
        size_px: side of the pictures, no larger than the stored ones; as they are stored when not given.

    Raises:
        UserError: no such shards, damaged ones, or no such split.
    """
    return ShardDataset(ShardSet.open(Path(directory)), split, size_px)
