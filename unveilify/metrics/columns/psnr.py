"""Peak signal-to-noise ratio, 10 log10(255² / mean squared error) in dB, by scikit-image."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from skimage.metrics import peak_signal_noise_ratio

from unveilify.metrics.contract import Column, Comparison

CAP_DB = 100.0
"""Equal pictures have no noise and an infinite ratio, which would swallow every mean: the value ends here."""


class Metric:
    """PSNR of the whole picture, raw and composited, and of the hole alone.

    Inside the hole raw and composited are the same pixels, so that the hole needs only one column.
    """

    WHOLE, COMPOSITED, HOLE = (
        Column("PSNR", "higher", "image", "raw", "dB", 2),
        Column("PSNR", "higher", "image", "composited", "dB", 2),
        Column("PSNR", "higher", "hole", "raw", "dB", 2),
    )

    def __init__(self, device: str = "cpu") -> None:
        del device

    def columns(self) -> list[Column]:
        """Whole raw, whole composited, hole."""
        return [self.WHOLE, self.COMPOSITED, self.HOLE]

    def unavailable(self) -> str | None:
        """Always at hand."""
        return None

    def measure(self, batch: Sequence[Comparison]) -> list[dict[str, float]]:
        """dB, at most `CAP_DB`."""
        return [
            {
                self.WHOLE.key: psnr(c.truth, c.output),
                self.COMPOSITED.key: psnr(c.truth, c.composited),
                self.HOLE.key: psnr(c.truth[c.hole], c.output[c.hole]),
            }
            for c in batch
        ]


def psnr(truth: npt.NDArray[np.uint8], output: npt.NDArray[np.uint8]) -> float:
    """dB between two arrays of bytes of any equal shape; `CAP_DB` at most, NaN if they are empty."""
    if truth.size == 0:
        return float("nan")
    if np.array_equal(truth, output):
        return CAP_DB
    return min(CAP_DB, float(peak_signal_noise_ratio(truth, output, data_range=255)))  # type: ignore[no-untyped-call]
