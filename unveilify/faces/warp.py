"""Cut a turned square out of a picture without aliasing."""

import math

import cv2
import numpy as np

from unveilify.core import geometry
from unveilify.core.geometry import Matrix
from unveilify.core.records import Image

FINEST = 16
"""Reductions beyond this factor are sampled no finer."""
SLIGHT = 0.25
"""Down to 1 / (1 + this) of its size a picture is simply interpolated: there is next to nothing to alias."""


def warp(image: Image, matrix: Matrix, size_px: int, border: int = cv2.BORDER_REPLICATE) -> Image:
    """The square (size_px, size_px, 3) that the similarity ``matrix`` (2, 3) leads to, from an RGB picture.

    Whole coordinates are the centres of pixels. Where the picture is reduced, it is sampled at its own
    resolution and averaged over areas; where it is enlarged, the interpolation is cubic.
    """
    finer = min(FINEST, math.ceil(1 / geometry.scale(matrix) - SLIGHT))
    if finer <= 1:
        return _affine(image, matrix, size_px, cv2.INTER_CUBIC, border)
    fine = matrix * finer
    fine[:, 2] += (finer - 1) / 2
    large = _affine(image, fine, size_px * finer, cv2.INTER_LINEAR, border)
    return np.asarray(cv2.resize(large, (size_px, size_px), interpolation=cv2.INTER_AREA), np.uint8)


def outside_share(shape: tuple[int, ...], matrix: Matrix, size_px: int) -> float:
    """The share of the square's pixels that lie outside a picture of ``shape`` (H, W, …)."""
    grid = np.stack(np.meshgrid(np.arange(size_px), np.arange(size_px)), axis=-1).reshape(-1, 2)
    x, y = geometry.apply(geometry.invert(matrix), grid.astype(np.float64)).T
    within = (x > -0.5) & (y > -0.5) & (x < shape[1] - 0.5) & (y < shape[0] - 0.5)
    return float(1 - within.mean())


def _affine(image: Image, matrix: Matrix, size_px: int, method: int, border: int) -> Image:
    return np.asarray(cv2.warpAffine(image, matrix, (size_px, size_px), flags=method, borderMode=border), np.uint8)
