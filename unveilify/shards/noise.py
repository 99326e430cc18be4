"""The error that landmarks have under a mask, for faces whose own is not known: that of another sample."""

import numpy as np

from unveilify.core.landmarks import Points
from unveilify.shards.reader import Split

TRIES = 8
"""Samples that are asked before a face is left with its true landmarks."""
_STREAM = 0x1A4D


def found(split: Split, rows: Points, share: float, place: tuple[int, int, int]) -> Points:
    """Landmarks (N, D) on the masked picture of a sample with these ``rows`` (2 + K, N, D), in pixels.

    Those that were found there; where none were, and in a ``share`` of the samples anyhow, the true ones moved as
    those of another sample of the split are moved by its mask. ``place`` is (seed, epoch, sample), and decides alone.
    """
    true: Points = rows[0]
    own: Points = rows[1]
    rng = np.random.default_rng([_STREAM, *place])
    if np.isfinite(own).all() and rng.random() >= share:
        return own
    for other in rng.integers(len(split), size=TRIES):
        others = split.landmarks(int(other))
        if other != place[2] and others.shape == rows.shape and np.isfinite(others[:2]).all():
            return np.asarray(true + (others[1] - others[0]), np.float32)
    return true
