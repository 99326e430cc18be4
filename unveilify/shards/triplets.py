"""Which identity images go with which target."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from unveilify.shards.leaks import alike
from unveilify.shards.split import rank
from unveilify.shards.synth_output import Row

NO_IDENTITY_IMAGE, MAX_PER_IDENTITY, MAX_TRIPLETS, LEAK = (
    "no_identity_image",
    "max_per_identity",
    "max_triplets",
    "leak",
)


@dataclass(frozen=True, slots=True)
class Choice:
    """``images``: for every target that becomes a triplet, its 1…k identity images, all of different photos; of the
    only photo of a person, where such become triplets, none.

    ``reasons``: for every row left out, why.
    """

    images: dict[str, tuple[str, ...]]
    reasons: dict[str, str]


@dataclass(frozen=True, slots=True)
class Caps:
    """The most triplets: of one identity, and in all; None: as many as there are."""

    identity: int | None = None
    total: int | None = None


def partners(
    rows: Sequence[Row],
    k: int,
    seed: int,
    caps: Caps = Caps(),
    leave_out: Collection[str] = (),
    *,
    singles: bool = False,
    twin_bits: int = 0,
) -> Choice:
    """Give every target up to ``k`` photos of the same identity, never the target's own photo or a twin of it.

    Twins are the same shot by what the source says, or look alike (at most ``twin_bits`` of the bits of their looks
    differ, mirrored or not). Photos of another sitting come first. A target without any is left out, or, with
    ``singles``, becomes a triplet with no identity image.

    A pure function of the rows as a set. ``caps`` keep so many targets, by hash order; the others may still
    serve as identity images. Rows in ``leave_out`` (leaks) are not used at all.
    """
    people: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.key not in leave_out:
            people[row.identity].append(row)
    images: dict[str, tuple[str, ...]] = {}
    reasons = dict.fromkeys(leave_out, LEAK)
    for person in people.values():
        pool = _pool(person, seed)
        targets = sorted((row for row in person if row.target), key=lambda row: rank(seed, row.key))
        chosen = {row.key: _nearest(pool, row, k, seed, twin_bits) for row in targets}
        usable = [row.key for row in targets if chosen[row.key] or singles]
        reasons.update((row.key, NO_IDENTITY_IMAGE) for row in targets if not chosen[row.key] and not singles)
        images.update((key, chosen[key]) for key in usable[: caps.identity])
        if caps.identity is not None:
            reasons.update((key, MAX_PER_IDENTITY) for key in usable[caps.identity :])
    if caps.total is not None:
        for key in sorted(images, key=lambda key: rank(seed, key))[caps.total :]:
            del images[key]
            reasons[key] = MAX_TRIPLETS
    return Choice(images, reasons)


def repeated(images: Sequence[str], k: int) -> list[str]:
    """Exactly ``k`` images: the given ones in turn; none if none are given."""
    return [images[i % len(images)] for i in range(k)] if images else []


@dataclass(frozen=True, slots=True)
class _Pool:
    rows: list[Row]
    codes: NDArray[np.uint64]
    sittings: NDArray[np.str_]


def _pool(person: Iterable[Row], seed: int) -> _Pool:
    """One crop of every different photo of a person."""
    by_photo: dict[str, Row] = {}
    for row in sorted(person, key=lambda row: row.key):
        by_photo.setdefault(row.photo, row)
    rows = list(by_photo.values())
    codes = np.array([_code(seed, row.key) for row in rows], np.uint64)
    return _Pool(rows, codes, np.array([row.sitting for row in rows]))


def _nearest(pool: _Pool, target: Row, k: int, seed: int, bits: int) -> tuple[str, ...]:
    """The ``k`` candidates whose hash together with the target's is smallest (rendezvous hashing), no two of them twins.

    Other sittings come first. A photo added later changes few of the choices made before.
    """
    scores = _mix(pool.codes + np.array([_code(seed, target.key)], np.uint64) * np.uint64(0x9E3779B97F4A7C15))
    together = (pool.sittings == target.sitting) & (target.sitting != "")
    chosen: list[Row] = []
    for i in np.lexsort((scores, together)):
        row = pool.rows[i]
        if len(chosen) == k:
            break
        if not any(_twins(row, other, bits) for other in (target, *chosen)):
            chosen.append(row)
    return tuple(row.key for row in chosen)


def _twins(a: Row, b: Row, bits: int) -> bool:
    if a.photo == b.photo or (a.shot and a.shot == b.shot):
        return True
    return bool(a.look and b.look) and alike(a.look, b.look, bits)


def _code(seed: int, key: str) -> int:
    return int.from_bytes(sha256(f"{seed}:{key}".encode()).digest()[:8], "little")


def _mix(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64 (Steele, Lea and Flood 2014, fig. 16): spreads every bit over all."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
