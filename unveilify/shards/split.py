"""Which group goes to which split: by quota over hash-ordered groups, so exact for any number of groups."""

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from unveilify.core import stamps
from unveilify.core.config import Config, build
from unveilify.core.errors import UserError
from unveilify.core.storage import read_json

SPLITS = ("train", "val", "test")
LEDGER = "splits.json"


class Ledger(Config):
    """``splits.json``: where every group was put, now and before."""

    seed: int
    shares: tuple[float, float, float]
    groups: dict[str, str]


def read_ledger(path: Path) -> Ledger:
    """Read a ledger, from the file itself or from the folder of shards that holds it.

    Raises:
        UserError: unreadable, or it names a split that there is not.
    """
    path = path / LEDGER if path.is_dir() else path
    value = read_json(path)
    try:
        ledger = build(Ledger, value if isinstance(value, dict) else {})
    except UserError as error:
        raise UserError(f"{path} is no {LEDGER} of `unveilify shard`: {error}") from None
    strange = sorted(set(ledger.groups.values()) - set(SPLITS))
    if strange:
        raise UserError(f"The ledger {path} names a split {strange[0]!r}; there are {', '.join(SPLITS)}.")
    return ledger


def given_ledger(path: Path) -> Ledger:
    """A ledger to go by, see `read_ledger`; one that lies in a folder of shards must be what the stamp there says.

    Raises:
        UserError: it is not, or cannot be used.
    """
    file = path / LEDGER if path.is_dir() else path
    stamp = stamps.load(file.parent)
    if stamp is not None and file.name in stamp.files:
        stamps.check(file.parent, stamp, file.name)
    return read_ledger(file)


def quotas(total: int, shares: Sequence[float]) -> list[int]:
    """Whole numbers that add up to ``total``, nearest to ``shares`` of it (largest remainder; ties to the first).

    Every split with a share gets at least one, taken from the largest, where ``total`` is enough for that.
    """
    exact = [share * total for share in shares]
    # The small number keeps 0.1 * 30 = 3.0000000000000004 and its like from counting as a remainder.
    counts = [int(value + 1e-9) for value in exact]
    by_remainder = sorted(range(len(shares)), key=lambda i: (counts[i] - exact[i], i))
    for i in by_remainder[: total - sum(counts)]:
        counts[i] += 1
    wanted = [i for i, share in enumerate(shares) if share > 0]
    if total >= len(wanted):
        for i in wanted:
            if counts[i] == 0:
                counts[counts.index(max(counts))] -= 1
                counts[i] = 1
    return counts


def assign(
    groups: Collection[str], shares: Sequence[float], seed: int, old: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Put every group into a split: ``{group: split}``, a pure function of its arguments as sets.

    Groups of ``old`` stay where they were. The others, in the order of ``sha256(seed:group)``, go one by one
    to the split that lacks most of its quota; without ``old`` every quota is met exactly.
    """
    old = old or {}
    splits = {group: old[group] for group in sorted(set(groups)) if group in old}
    counts = Counter(splits.values())
    lacking = {
        split: quota - counts[split] for split, quota in zip(SPLITS, quotas(len(set(groups)), shares), strict=True)
    }
    for group in sorted(set(groups) - splits.keys(), key=lambda name: rank(seed, name)):
        split = max(SPLITS, key=lambda name: lacking[name])
        splits[group] = split
        lacking[split] -= 1
    return splits


def rank(seed: int, name: str) -> str:
    """The place of ``name`` in an order that only the seed decides."""
    return hashlib.sha256(f"{seed}:{name}".encode("utf-8", "surrogateescape")).hexdigest()
