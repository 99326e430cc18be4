"""The few OpenCV calls that masks are drawn with, on float pictures and with types."""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Array = npt.NDArray[np.float64]
Reals = npt.NDArray[np.floating[Any]]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


def look_up(picture: Reals, x: Reals, y: Reals, border: int = cv2.BORDER_REPLICATE) -> Floats:
    """``picture`` at the places x, y (same shape, in pixels), bilinear."""
    at = np.ascontiguousarray(x, np.float32), np.ascontiguousarray(y, np.float32)
    return np.asarray(cv2.remap(picture, *at, cv2.INTER_LINEAR, borderMode=border), np.float32)


def blurred(picture: Reals, sigma: float) -> Floats:
    """Gaussian blur; ``sigma`` in pixels."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32)


def resized(picture: Reals, size: tuple[int, int], method: int = cv2.INTER_CUBIC) -> Floats:
    """``picture`` at (width, height) ``size``."""
    return np.asarray(cv2.resize(picture, size, interpolation=method), np.float32)


def merged(rgb: Reals, alpha: Reals) -> Floats:
    """(H, W, 3) and (H, W) as (H, W, 4)."""
    rgba = np.empty((*alpha.shape, 4), np.float32)
    rgba[:, :, :3], rgba[:, :, 3] = rgb, alpha
    return rgba


def channel(picture: Reals, number: int) -> Floats:
    """One channel of a (H, W, C) picture, contiguous, (H, W)."""
    return np.asarray(cv2.extractChannel(picture, number), np.float32)


def fill_hull(area: npt.NDArray[np.uint8], points: Array) -> None:
    """Fill the convex hull of (N, 2) points with 255, to a sixteenth of a pixel, in place."""
    hull = cv2.convexHull(np.rint(points * 16).astype(np.int32))
    cv2.fillConvexPoly(area, hull, (255,), cv2.LINE_AA, 4)


def _keep_freed_memory() -> None:
    """Let the C library keep what is freed for what is drawn next.

    By default glibc hands blocks above 128 KiB back to the system and pays a page fault for every 4 KiB when it asks
    again, which takes longer than drawing. It learns from the largest block freed so far (mallopt(3),
    M_MMAP_THRESHOLD), so one that is never touched teaches it. Other C libraries do not care.
    """
    np.empty(30 << 20, np.uint8)


_keep_freed_memory()
