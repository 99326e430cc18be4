"""How well a network that is not told the hole finds the mask: overlap, outline, and whether it sees one at all."""

from collections.abc import Sequence

import numpy as np

from unveilify.core.found import SOLID, agreement, worn
from unveilify.metrics.contract import Column, Comparison

INTEROCULAR = 0.25
"""Of a face crop's side: outlines are off by shares of the distance between the eyes."""


class Metric:
    """Intersection over union, mean distance of the outlines, share called worn; NaN for systems that do not say."""

    OVERLAP = Column("found mask IoU", "higher", "hole", "raw")
    EDGE = Column("found mask edge error", "lower", "hole", "raw", "% of the eyes' distance", 1)
    WORN = Column("found mask worn", "higher", "hole", "raw", "%", 1)

    def __init__(self, device: str = "cpu") -> None:
        del device

    def columns(self) -> list[Column]:
        """Overlap, edge error, worn."""
        return [self.OVERLAP, self.EDGE, self.WORN]

    def unavailable(self) -> str | None:
        """Always at hand."""
        return None

    def measure(self, batch: Sequence[Comparison]) -> list[dict[str, float]]:
        """0…1, percent of the interocular distance, 0 or 100."""
        return [self._one(c) for c in batch]

    def _one(self, c: Comparison) -> dict[str, float]:
        if c.found is None or c.alpha is None or not c.hole.any():
            return {column.key: float("nan") for column in self.columns()}
        overlap, away = agreement(c.found > 127, c.alpha > SOLID * 255)
        seen = worn((c.found / 255).astype(np.float32))
        return {
            self.OVERLAP.key: overlap,
            self.EDGE.key: 100 * away / INTEROCULAR,
            self.WORN.key: 100.0 * seen,
        }
