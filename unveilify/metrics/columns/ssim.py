"""Structural similarity as scikit-image defines it, with the window of Wang et al. 2004: Gaussian, 11 × 11, σ 1.5."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from unveilify.core.engine.local import cores
from unveilify.core.errors import UserError
from unveilify.core.records import Image
from unveilify.metrics.contract import Column, Comparison, OfTruths

Floats = npt.NDArray[np.float64]
Found = TypeVar("Found")

SIGMA, WINDOW = 1.5, 11
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
_TAPS = np.exp(-0.5 * ((np.arange(WINDOW) - WINDOW // 2) / SIGMA) ** 2)
WEIGHTS = _TAPS / _TAPS.sum()


class Metric:
    """SSIM of the whole picture and of the hole, raw and composited.

    The hole's value is the mean of the full SSIM map over the hole. Its windows reach 5 pixels past the
    edge, so that raw and composited differ a little.
    """

    COLUMNS = (
        Column("SSIM", "higher", "image", "raw"),
        Column("SSIM", "higher", "image", "composited"),
        Column("SSIM", "higher", "hole", "raw"),
        Column("SSIM", "higher", "hole", "composited"),
    )

    def __init__(self, device: str = "cpu") -> None:
        del device
        self._truths = OfTruths(lambda truths: _side_by_side(statistics, truths))

    def columns(self) -> list[Column]:
        """Whole raw and composited, hole raw and composited."""
        return list(self.COLUMNS)

    def unavailable(self) -> str | None:
        """Always at hand."""
        return None

    def measure(self, batch: Sequence[Comparison]) -> list[dict[str, float]]:
        """-1…1; 1 for equal pictures."""
        return _side_by_side(self._one, batch, self._truths.of(batch))

    def _one(self, c: Comparison, truth: "Statistics") -> dict[str, float]:
        raw = compare(truth, statistics(c.output))
        same = np.array_equal(c.output, c.composited)
        maps = {"raw": raw, "composited": raw if same else compare(truth, statistics(c.composited))}
        found = {}
        for column in self.COLUMNS:
            mean, full = maps[column.picture]
            hole = full[c.hole]
            found[column.key] = mean if column.region == "image" else float(hole.mean()) if hole.size else float("nan")
        return found


def _side_by_side(work: Callable[..., Found], *given: Sequence[Any]) -> list[Found]:
    with ThreadPoolExecutor(cores()) as pool:
        return list(pool.map(work, *given))


def ssim_map(truth: Image, output: Image) -> tuple[float, Floats]:
    """Mean SSIM without the 5-pixel border, as scikit-image and Wang et al. have it, and the full (H, W) map.

    The pictures must be at least 11 pixels wide and high.
    """
    return compare(statistics(truth), statistics(output))


@dataclass(frozen=True, slots=True)
class Statistics:
    """What SSIM needs of one picture: its values, their windowed means and variances, each (H, W, 3)."""

    values: Floats
    mean: Floats
    variance: Floats


def statistics(image: Image) -> Statistics:
    """Windowed means and variances: a truth's serve every output that it is compared with.

    Raises:
        UserError: the picture is smaller than the window.
    """
    if min(image.shape[:2]) < WINDOW:
        raise UserError(f"SSIM needs pictures of {WINDOW} pixels or more, not {image.shape[1]} x {image.shape[0]}.")
    values = image.astype(np.float64)
    mean = _windowed(values)
    return Statistics(values, mean, _windowed(values * values) - mean * mean)


def compare(a: Statistics, b: Statistics) -> tuple[float, Floats]:
    """Wang et al. 2004, equation 13, per channel, averaged: the mean away from the border, and the map.

    To the last few bits what ``skimage.metrics.structural_similarity`` gives (``gaussian_weights``, ``sigma=1.5``,
    ``use_sample_covariance=False``, ``data_range=255``), which takes twice as long.
    """
    product = a.mean * b.mean
    covariance = _windowed(a.values * b.values) - product
    full = ((2 * product + C1) * (2 * covariance + C2)) / (
        (a.mean**2 + b.mean**2 + C1) * (a.variance + b.variance + C2)
    )
    border = WINDOW // 2
    return float(full[border:-border, border:-border].mean()), np.asarray(full.mean(-1))


def _windowed(values: Floats) -> Floats:
    return np.asarray(cv2.sepFilter2D(values, -1, WEIGHTS, WEIGHTS, borderType=cv2.BORDER_REFLECT), np.float64)
