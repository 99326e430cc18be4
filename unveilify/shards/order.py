"""The order of the samples: a pure function of (seed, epoch), and a position in it that is one integer."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

Order = NDArray[np.int64]


def epoch_order(sizes: Sequence[int], seed: int, epoch: int, window: int | None = None) -> Order:
    """Every sample number once. ``sizes`` are the samples per shard.

    Shards are permuted, then samples are shuffled within windows of ``window`` shards (None: all together),
    so that a reader needs no more than a window of shards at hand.
    """
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(epoch,))))
    begins = np.cumsum([0, *sizes])
    shards = rng.permutation(len(sizes))
    width = window or max(1, len(sizes))
    pieces = []
    for i in range(0, len(sizes), width):
        piece = np.concatenate([np.arange(begins[s], begins[s + 1]) for s in shards[i : i + width]])
        pieces.append(rng.permutation(piece))
    return np.concatenate(pieces).astype(np.int64)


def batches(
    sizes: Sequence[int], seed: int, batch: int, seen: int, rank: int, world: int, window: int | None = None
) -> Iterator[list[tuple[int, int]]]:
    """The endless batches of one rank as (epoch, sample number), from position ``seen`` on.

    A global batch is the samples seen … seen+batch of the infinite concatenation of epochs, and a rank takes
    its contiguous share of it: the sequence depends neither on the number of ranks nor on where it was
    interrupted, an epoch's end falls anywhere in a batch, and nothing is dropped.
    """
    total, share = sum(sizes), batch // world

    @lru_cache(maxsize=2)
    def order(epoch: int) -> Order:
        return epoch_order(sizes, seed, epoch, window)

    while True:
        begin = seen + rank * share
        places = [divmod(position, total) for position in range(begin, begin + share)]
        yield [(epoch, int(order(epoch)[place])) for epoch, place in places]
        seen += batch


def flips(seed: int, epoch: int, sample: int, k: int) -> tuple[bool, ...]:
    """Whether to mirror: first the pair (masked, unmasked and alpha alike), then each of ``k`` identity images."""
    bits = int.from_bytes(blake2b(f"{seed}:{epoch}:{sample}".encode(), digest_size=4).digest(), "little")
    return tuple(bool(bits >> i & 1) for i in range(k + 1))
