"""Which triplets, in which split: for every combination of the settings."""

import itertools
import random
from pathlib import Path

import pytest

from unveilify.core.errors import UserError
from unveilify.shards import leaks, pack, split, synth_output
from unveilify.shards.config import ShardConfig

SETTINGS = list(
    itertools.product(
        (None, 1, 3),  # max_per_identity
        (None, 3, 8, 25),  # max_triplets
        (False, True),  # drop_leaks
        (1, 2),  # identities
        (False, True),  # singles
        ("filed", "identity"),  # group
    )
)


def source(seed: int, by_identity: bool) -> tuple[list[synth_output.Row], list[synth_output.Part]]:
    """Twelve people in families of two; some photos are copies or near copies of another family's."""
    draw = random.Random(seed)
    rows: list[synth_output.Row] = []
    for person in range(12):
        for number in range(draw.randint(1, 6)):
            look, photo = draw.randbytes(32), f"photo{person}-{number}"
            other = draw.choice(rows) if rows and draw.random() < 0.25 else None
            if other is not None:
                look = bytes([other.look[0] ^ 3, *other.look[1:]])
                photo = other.photo if draw.random() < 0.5 else photo
            group = f"p{person}" if by_identity else f"f{person // 2}"
            rows.append(synth_output.Row(f"k{person}x{number}", f"p{person}", group, photo, draw.random() < 0.8, look))
    part = synth_output.Part(
        Path(), {}, {row.key: row.key for row in rows}, {row.key: row.look for row in rows}, {}, {}
    )
    return rows, [part]


@pytest.mark.parametrize("seed", range(4))
def test_every_combination_of_settings_is_a_plan_or_a_sentence(seed: int) -> None:
    """`max_triplets` with `drop_leaks` once ended in a KeyError: other groups came in that were in no split."""
    plans = 0
    for per_identity, total, drop, k, singles, group in SETTINGS:
        rows, parts = source(seed, group == "identity")
        config = ShardConfig(
            max_per_identity=per_identity,
            max_triplets=total,
            drop_leaks=drop,
            identities=k,
            singles=singles,
            group=group,
        )
        for old in (None, split.Ledger(seed=0, shares=(0.8, 0.1, 0.1), groups={rows[0].group: "test"})):
            try:
                choice, splits, found = pack.decide(rows, parts, config, old)
            except UserError:
                continue
            plans += 1
            by_key = {row.key: row for row in rows}
            assert all(by_key[key].group in splits for key in choice.images)
            assert total is None or len(choice.images) <= total
            if per_identity is not None:
                people = [by_key[key].identity for key in choice.images]
                assert max(people.count(name) for name in people) <= per_identity
            targets = {row.key for row in rows if row.target}
            assert choice.images.keys() | choice.reasons.keys() >= targets
            assert not choice.images.keys() & choice.reasons.keys()
            if drop:
                used = {key for target, images in choice.images.items() for key in (target, *images)}
                gone = leaks.to_drop(found)
                assert not used & gone
                assert not leaks.find(pack.crops([row for row in rows if row.key in used], splits, parts), 16)
    assert plans > len(SETTINGS)


def test_a_split_that_only_leaks_is_said() -> None:
    looks = [bytes([number]) * 32 for number in range(0, 240, 40)]
    rows = [
        synth_output.Row(f"k{person}x{number}", f"p{person}", f"p{person}", f"photo{number}", True, looks[number])
        for person in range(3)
        for number in range(2)
    ]
    part = synth_output.Part(
        Path(), {}, {row.key: row.key for row in rows}, {row.key: row.look for row in rows}, {}, {}
    )
    with pytest.raises(UserError, match=r"All triplets of the split '(train|val)' leak"):
        pack.decide(rows, [part], ShardConfig(drop_leaks=True, shares=(0.34, 0.33, 0.33)), None)
