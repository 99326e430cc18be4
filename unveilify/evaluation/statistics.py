"""Statistics of the table: intervals, verification, the distance between two sets of faces.

Intervals are 95 % bootstrap intervals that resample people, not pictures: photos of one person are not independent.
They are drawn here and not by `scipy.stats.bootstrap`, which resamples pictures.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Names = npt.NDArray[np.str_]
Vectors = npt.NDArray[np.float32]

LEVEL = 0.95
CHUNK = 2_000_000
"""Numbers held at once, so that thousands of replicates of thousands of people fit into memory."""
FAR = 1e-3
"""False accepts at which verification is told."""


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


@dataclass(frozen=True, slots=True)
class Verification:
    """Area under the ROC curve, and the share of genuine pairs accepted where `FAR` of the impostors are.

    ``genuine`` and ``impostor`` count the pairs. With fewer than ``1 / FAR`` impostor pairs ``tar`` is NaN: no
    threshold can be set.
    """

    auc: float
    tar: float
    genuine: int
    impostor: int


def verify(outputs: Vectors, people: Sequence[str], photos: Sequence[Vectors]) -> Verification:
    """Would a recogniser still take the output for the person? Verification against photos not given.

    Compares every output (N, D) with its person's own ``photos[n]`` (M, D) and with all of other people's.

    ``photos[n]`` are those that the network was not given for output n. Vectors have unit length.
    """
    names = np.asarray(people)
    pool = np.concatenate(photos) if photos else np.zeros((0, outputs.shape[1]), np.float32)
    owners = np.repeat(names, [len(p) for p in photos])
    pool, keep = np.unique(pool, axis=0, return_index=True)
    owners = owners[keep]
    genuine = np.concatenate([p @ v for p, v in zip(photos, outputs, strict=True)] or [np.zeros(0)])
    impostor = (outputs @ pool.T)[names[:, None] != owners[None, :]]
    return score(genuine, impostor)


def score(genuine: npt.NDArray[np.floating], impostor: npt.NDArray[np.floating]) -> Verification:
    """AUC (the Mann-Whitney probability, ties count half) and the true accept rate at `FAR`."""
    auc = tar = float("nan")
    if len(genuine) and len(impostor):
        order = np.sort(impostor)
        below = np.searchsorted(order, genuine, "left") + np.searchsorted(order, genuine, "right")
        auc = float(below.mean() / (2 * len(order)))
        if len(order) >= 1 / FAR:
            threshold = order[len(order) - 1 - int(FAR * len(order))]
            tar = float((genuine > threshold).mean())
    return Verification(auc, tar, len(genuine), len(impostor))


def kernel_distance(outputs: Vectors, truth: Vectors) -> float:
    """Squared maximum mean discrepancy of two (N, D) sets of unit vectors, ``outputs[n]`` made from ``truth[n]``.

    In the features of the measuring recogniser it is neither FID nor KID, which are defined on Inception features; it
    says whether the faces as a whole look like faces of these people do to it, not whether each is right.

    The kernel is (1 + cosine)³, cubic as in KID (Bińkowski et al. 2018, section 4), the estimator the unbiased
    one for sets of equal size (Gretton et al. 2012, equation 4): 0 for equal sets, near 0 or slightly below it
    for two samples of one distribution. NaN for fewer than two vectors.
    """
    count = len(outputs)
    if count < 2:
        return float("nan")
    a, b = outputs.astype(np.float64), truth.astype(np.float64)
    total = _kernel(a, a) + _kernel(b, b) - 2 * _kernel(a, b)
    np.fill_diagonal(total, 0)
    return float(total.sum() / (count * (count - 1)))


def _kernel(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray((1 + a @ b.T) ** 3)
