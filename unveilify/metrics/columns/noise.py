"""Specks: lone pixels that stick out of their neighbourhood far more than anything nearby does in the truth.

The paper (section 5.1, figure 9) shows "noise-like artifacts" of unknown cause; they are values just outside
0…255 that wrapped around when they were saved, black specks in white and coloured ones in black. Such a pixel
differs from the median of its 3 × 3 neighbourhood by tens to hundreds of levels. Measured is the share of
pixels, in percent, whose difference from that median (largest of the three channels) exceeds by more than
`THRESHOLD` levels the largest such difference of the truth within the same 3 × 3 pixels. Glints, lashes and
stubble that the truth has at that place do not count; the truth itself scores 0, and so does blur.
"""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from unveilify.core.records import Image
from unveilify.metrics.contract import Column, Comparison

THRESHOLD = 32


class Metric:
    """Share of specks in the raw output, in the whole picture and in the hole."""

    WHOLE = Column("specks", "lower", "image", "raw", "%", 2)
    HOLE = Column("specks", "lower", "hole", "raw", "%", 2)

    def __init__(self, device: str = "cpu") -> None:
        del device

    def columns(self) -> list[Column]:
        """Whole, hole."""
        return [self.WHOLE, self.HOLE]

    def unavailable(self) -> str | None:
        """Always at hand."""
        return None

    def measure(self, batch: Sequence[Comparison]) -> list[dict[str, float]]:
        """Percent of pixels, 0…100."""
        return [self._one(c) for c in batch]

    def _one(self, c: Comparison) -> dict[str, float]:
        found = specks(c.truth, c.output)
        hole = found[c.hole]
        return {
            self.WHOLE.key: 100.0 * float(found.mean()),
            self.HOLE.key: 100.0 * float(hole.mean()) if hole.size else float("nan"),
        }


def specks(truth: Image, output: Image) -> npt.NDArray[np.bool_]:
    """(H, W): where ``output`` has a speck that ``truth`` does not."""
    allowed = cv2.dilate(_roughness(truth), np.ones((3, 3), np.uint8))
    return np.asarray(_roughness(output).astype(np.int16) > allowed.astype(np.int16) + THRESHOLD)


def _roughness(image: Image) -> npt.NDArray[np.uint8]:
    return np.asarray(cv2.absdiff(image, cv2.medianBlur(image, 3)).max(-1), np.uint8)
