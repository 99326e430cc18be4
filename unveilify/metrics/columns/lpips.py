"""Learned perceptual distance (Zhang et al. 2018, version 0.1) with the best trunk at hand, named in the column.

The inputs are scaled to [-1, 1] as the network expects; on raw bytes the number means nothing.
"""

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from unveilify.core.errors import UserError
from unveilify.core.records import Image
from unveilify.metrics.contract import Column, Comparison, OfTruths
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
        self._truths = OfTruths(self._features)

    def columns(self) -> list[Column]:
        """Whole raw, hole."""
        return [self._whole, self._hole]

    def unavailable(self) -> str | None:
        """Which trunk is missing and how to get it."""
        return self._why

    def measure(self, batch: Sequence[Comparison]) -> list[dict[str, float]]:
        """0 for equal pictures, about 1 for unrelated ones."""
        assert self._judge is not None, self._why
        # What is equal to the truth is at distance 0, and what was told to leave the rest alone differs in its hole only.
        filled = [np.where(c.hole[..., None], c.output, c.truth) for c in batch]
        judged: list[tuple[int, Image]] = []
        place: dict[tuple[int, str], int] = {}
        for n, (c, inside) in enumerate(zip(batch, filled, strict=True)):
            for which, picture in (("whole", c.output), ("hole", inside)):
                if which == "hole" and np.array_equal(picture, c.output):
                    place[n, which] = place.get((n, "whole"), -1)
                elif not np.array_equal(picture, c.truth):
                    place[n, which] = len(judged)
                    judged.append((n, picture))
        found = self._distances(batch, judged)
        whole, hole = ([found[place.get((n, which), -1)] for n in range(len(batch))] for which in ("whole", "hole"))
        return [
            {self._whole.key: float(w), self._hole.key: float(h) if c.hole.any() else float("nan")}
            for c, w, h in zip(batch, whole, hole, strict=True)
        ]

    def _features(self, truths: Sequence[Image]) -> list[Tensor]:
        assert self._judge is not None
        return self._judge.features(np.stack(truths))

    def _distances(self, batch: Sequence[Comparison], judged: list[tuple[int, Image]]) -> list[float]:
        """From the truth of that number to each picture; behind them 0, for what is equal."""
        if not judged:
            return [0.0]
        assert self._judge is not None
        truths = self._truths.of(batch)
        numbers = [number for number, _ in judged]
        found = self._judge.features(np.stack([picture for _, picture in judged]))
        return [*self._judge.between([layer[numbers] for layer in truths], found).tolist(), 0.0]
