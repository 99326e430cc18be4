"""The order is a pure function of seed and epoch, and a position in it is one integer."""

from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unveilify.shards.order import batches, epoch_order, flips

SIZES = st.lists(st.integers(1, 9), min_size=1, max_size=12)


@given(sizes=SIZES, seed=st.integers(0, 9), epoch=st.integers(0, 9), window=st.none() | st.integers(1, 14))
def test_an_epoch_has_every_sample_once(sizes: list[int], seed: int, epoch: int, window: int | None) -> None:
    order = epoch_order(sizes, seed, epoch, window)
    assert sorted(order) == list(range(sum(sizes)))
    assert np.array_equal(order, epoch_order(sizes, seed, epoch, window))


def test_epochs_and_seeds_differ() -> None:
    orders = {tuple(epoch_order([50, 50], seed, epoch)) for seed in range(3) for epoch in range(3)}
    assert len(orders) == 9


@given(sizes=SIZES, seed=st.integers(0, 9), window=st.integers(1, 5))
def test_a_window_needs_no_more_than_its_shards(sizes: list[int], seed: int, window: int) -> None:
    shard_of = np.repeat(np.arange(len(sizes)), sizes)
    shards = shard_of[epoch_order(sizes, seed, 0, window)]
    order = list(dict.fromkeys(shards.tolist()))  # as they first appear
    begin = 0
    for i in range(0, len(order), window):
        block = set(order[i : i + window])
        end = begin + sum(sizes[shard] for shard in block)
        assert set(shards[begin:end].tolist()) == block
        begin = end


def taken(sizes: list[int], batch: int, world: int, seen: int, count: int) -> list[list[tuple[int, int]]]:
    """The global batches that ``world`` ranks see together."""
    ranks = [batches(sizes, 7, batch, seen, rank, world) for rank in range(world)]
    return [[item for part in parts for item in part] for parts in islice(zip(*ranks, strict=True), count)]


@given(sizes=SIZES, world=st.sampled_from([1, 2, 3, 4, 6, 12]), done=st.integers(0, 20))
def test_ranks_and_interruptions_do_not_change_the_sequence(sizes: list[int], world: int, done: int) -> None:
    expected = taken(sizes, 12, 1, 0, 25)
    assert taken(sizes, 12, world, 12 * done, 25 - done) == expected[done:]


@pytest.mark.parametrize("seen", [0, 1, 6, 7, 8, 100])
def test_positions_count_through_the_ends_of_epochs(seen: int) -> None:
    """Seven samples, batches of three: nothing is dropped, nothing is padded."""
    sizes = [3, 4]
    endless = [(epoch, int(i)) for epoch in range(30) for i in epoch_order(sizes, 7, epoch)]
    got = [item for batch in taken(sizes, 3, 1, seen, 20) for item in batch]
    assert got == endless[seen : seen + 60]


def test_a_batch_may_be_larger_than_the_data() -> None:
    assert len(taken([1, 1], 12, 3, 0, 1)[0]) == 12


def test_flips_are_even_independent_and_keyed() -> None:
    drawn = np.array([flips(0, epoch, sample, 3) for epoch in range(4) for sample in range(1000)], float)
    assert drawn.shape == (4000, 4)
    assert np.allclose(drawn.mean(0), 0.5, atol=0.04)
    assert np.allclose(np.corrcoef(drawn.T), np.eye(4), atol=0.06)
    assert flips(0, 1, 2, 3) == flips(0, 1, 2, 3)
