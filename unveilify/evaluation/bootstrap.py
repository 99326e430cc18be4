"""95 % bootstrap intervals that resample people, not pictures: photos of one person are not independent."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Names = npt.NDArray[np.str_]

LEVEL = 0.95
CHUNK = 2_000_000
"""Numbers held at once, so that thousands of replicates of thousands of people fit into memory."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over ``count`` pictures of ``people`` identities, and the interval that holds it with 95 %."""

    mean: float
    low: float
    high: float
    count: int
    people: int


def interval(values: Floats, people: Names, *, replicates: int = 2000, seed: int = 0) -> Estimate:
    """Mean of ``values`` (N,) and its percentile interval over resampled identities ``people`` (N,).

    NaN values are left out. With fewer than two identities the interval is NaN: there is nothing to resample.
    The same seed gives the same interval.
    """
    there = np.isfinite(values)
    values, people = values[there], people[there]
    if not len(values):
        return Estimate(float("nan"), float("nan"), float("nan"), 0, 0)
    names, who = np.unique(people, return_inverse=True)
    mean = float(values.mean())
    if len(names) < 2:
        return Estimate(mean, float("nan"), float("nan"), len(values), len(names))
    sums = np.bincount(who, weights=values).astype(np.float64)
    counts = np.bincount(who).astype(np.float64)
    means = _resample(sums, counts, replicates, np.random.default_rng(seed))
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(mean, float(low), float(high), len(values), len(names))


def paired(ours: Floats, theirs: Floats, people: Names, *, replicates: int = 2000, seed: int = 0) -> Estimate:
    """Estimate of the mean of ``ours - theirs`` over the same pictures; pairs with a NaN are left out."""
    return interval(ours - theirs, people, replicates=replicates, seed=seed)


def _resample(sums: Floats, counts: Floats, replicates: int, rng: np.random.Generator) -> Floats:
    people = len(sums)
    step = max(1, CHUNK // people)
    means = []
    for begin in range(0, replicates, step):
        drawn = rng.integers(0, people, (min(step, replicates - begin), people))
        means.append(sums[drawn].sum(1) / counts[drawn].sum(1))
    return np.concatenate(means)
