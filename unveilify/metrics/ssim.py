"""Structural similarity by scikit-image, with the window of Wang et al. 2004: Gaussian, 11 × 11, σ 1.5."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
from skimage.metrics import structural_similarity

from unveilify.core.engine.local import cores
from unveilify.core.records import Image
from unveilify.metrics._contract import Column, Comparison

SIGMA, WINDOW = 1.5, 11


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

    def columns(self) -> list[Column]:
        """Whole raw and composited, hole raw and composited."""
        return list(self.COLUMNS)

    def unavailable(self) -> str | None:
        """Always at hand."""
        return None

    def measure(self, batch: Sequence[Comparison]) -> list[dict[str, float]]:
        """-1…1; 1 for equal pictures."""
        with ThreadPoolExecutor(cores()) as pool:
            return list(pool.map(self._one, batch))

    def _one(self, c: Comparison) -> dict[str, float]:
        raw = ssim_map(c.truth, c.output)
        same = np.array_equal(c.output, c.composited)
        maps = {"raw": raw, "composited": raw if same else ssim_map(c.truth, c.composited)}
        found = {}
        for column in self.COLUMNS:
            mean, full = maps[column.picture]
            hole = full[c.hole]
            found[column.key] = mean if column.region == "image" else float(hole.mean()) if hole.size else float("nan")
        return found


def ssim_map(truth: Image, output: Image) -> tuple[float, npt.NDArray[np.float64]]:
    """Mean SSIM without the 5-pixel border, as scikit-image and Wang et al. have it, and the full (H, W) map.

    The pictures must be at least 11 pixels wide and high.
    """
    mean, full = structural_similarity(  # type: ignore[no-untyped-call]
        truth,
        output,
        gaussian_weights=True,
        sigma=SIGMA,
        truncate=(WINDOW // 2) / SIGMA,
        use_sample_covariance=False,
        data_range=255,
        channel_axis=-1,
        full=True,
    )
    return float(mean), np.asarray(full, np.float64).mean(-1)
