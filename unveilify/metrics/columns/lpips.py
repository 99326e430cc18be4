"""Learned perceptual distance (Zhang et al. 2018, version 0.1) with the best trunk at hand, named in the column.

The inputs are scaled to [-1, 1] as the network expects; on raw bytes the number means nothing.
"""

from collections.abc import Sequence

import numpy as np

from unveilify.core.errors import UserError
from unveilify.metrics.contract import Column, Comparison
from unveilify.perception import lpips


class Metric:
    """LPIPS of the raw picture, and of the hole.

    The hole's value is that of the truth with the output put into its hole, which leaves nothing to differ
    outside it.
    """

    def __init__(self, device: str = "cpu") -> None:
        self._judge: lpips.Lpips | None = None
        self._why: str | None = None
        try:
            self._judge = lpips.best_at_hand(device)
        except UserError as error:
            self._why = str(error)
        name = f"LPIPS ({self._judge.trunk})" if self._judge else "LPIPS"
        self._whole = Column(name, "lower", "image", "raw", "", 4)
        self._hole = Column(name, "lower", "hole", "raw", "", 4)

    def columns(self) -> list[Column]:
        """Whole raw, hole."""
        return [self._whole, self._hole]

    def unavailable(self) -> str | None:
        """Which trunk is missing and how to get it."""
        return self._why

    def measure(self, batch: Sequence[Comparison]) -> list[dict[str, float]]:
        """0 for equal pictures, about 1 for unrelated ones."""
        assert self._judge is not None, self._why
        truth = np.stack([c.truth for c in batch])
        whole = self._judge.distance(truth, np.stack([c.output for c in batch]))
        filled = np.stack([np.where(c.hole[..., None], c.output, c.truth) for c in batch])
        hole = self._judge.distance(truth, filled)
        return [
            {self._whole.key: float(w), self._hole.key: float(h) if c.hole.any() else float("nan")}
            for c, w, h in zip(batch, whole, hole, strict=True)
        ]
