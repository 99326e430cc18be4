"""Splits are disjoint, exact, and stable under growth."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unveilify.core.errors import UserError
from unveilify.core.storage import write_json
from unveilify.shards.split import SPLITS, Ledger, assign, quotas, read_ledger

SHARES = st.sampled_from([(0.8, 0.1, 0.1), (0.7, 0.2, 0.1), (0.98, 0.01, 0.01), (0.5, 0.5, 0.0), (0.0, 0.0, 1.0)])
GROUPS = st.sets(st.text(max_size=6), min_size=3, max_size=300)


@given(total=st.integers(0, 10_000), shares=SHARES)
def test_quotas_add_up_and_are_nearest(total: int, shares: tuple[float, ...]) -> None:
    counts = quotas(total, shares)
    assert sum(counts) == total
    wanted = [share for share in shares if share > 0]
    if total >= len(wanted):
        assert all((count > 0) == (share > 0) for count, share in zip(counts, shares, strict=True))
    if all(share * total >= 1 for share in wanted):
        assert all(abs(count - share * total) < 1 for count, share in zip(counts, shares, strict=True))


@pytest.mark.parametrize(
    ("total", "expected"),
    [(3, [1, 1, 1]), (10, [8, 1, 1]), (25, [20, 3, 2]), (30, [24, 3, 3]), (1463, [1171, 146, 146])],
)
def test_quotas_of_80_10_10(total: int, expected: list[int]) -> None:
    assert quotas(total, (0.8, 0.1, 0.1)) == expected


@given(groups=GROUPS, shares=SHARES, seed=st.integers(0, 5))
def test_every_group_is_in_one_split_and_the_shares_are_exact(
    groups: set[str], shares: tuple[float, ...], seed: int
) -> None:
    splits = assign(groups, shares, seed)
    assert splits.keys() == groups
    counts = Counter(splits.values())
    assert [counts[name] for name in SPLITS] == quotas(len(groups), shares)
    assert splits == assign(sorted(groups, reverse=True), shares, seed)


@given(groups=GROUPS, more=GROUPS, seed=st.integers(0, 5))
def test_with_the_ledger_nobody_moves_when_the_data_grow(groups: set[str], more: set[str], seed: int) -> None:
    shares = (0.8, 0.1, 0.1)
    old = assign(groups, shares, seed)
    new = assign(groups | more, shares, seed, old)
    assert {group: new[group] for group in groups} == old
    # Growth only raises quotas, so the shares stay exact too.
    counts = Counter(new.values())
    assert [counts[name] for name in SPLITS] == quotas(len(groups | more), shares)


@given(groups=GROUPS, share=st.floats(0.05, 0.95), seed=st.integers(0, 5))
def test_new_groups_fill_what_a_lopsided_ledger_lacks(groups: set[str], share: float, seed: int) -> None:
    names = sorted(groups)
    old = dict.fromkeys(names[: int(share * len(names))], "test")
    new = assign(groups, (0.8, 0.1, 0.1), seed, old)
    counts, wanted = Counter(new.values()), quotas(len(groups), (0.8, 0.1, 0.1))
    assert old.items() <= new.items()
    assert all(counts[name] <= max(quota, len(old)) for name, quota in zip(SPLITS, wanted, strict=True))


def test_seeds_differ() -> None:
    groups = [f"person {i}" for i in range(100)]
    assert assign(groups, (0.8, 0.1, 0.1), 0) != assign(groups, (0.8, 0.1, 0.1), 1)


def test_a_ledger_is_read_from_file_or_folder(tmp_path: Path) -> None:
    ledger = Ledger(seed=0, shares=(0.8, 0.1, 0.1), groups={"a": "train"})
    write_json(tmp_path / "splits.json", ledger.model_dump(mode="json"))
    assert read_ledger(tmp_path) == read_ledger(tmp_path / "splits.json") == ledger


def test_a_bad_ledger_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere"):
        read_ledger(tmp_path / "nowhere")
    write_json(tmp_path / "splits.json", {"seed": 0, "shares": [0.8, 0.1, 0.1], "groups": {"a": "dev"}})
    with pytest.raises(UserError, match="'dev'"):
        read_ledger(tmp_path)
