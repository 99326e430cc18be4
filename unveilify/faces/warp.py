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
LEFT = 4
"""What is left to reduce by after whole blocks of pixels are averaged, at the least."""


def warp(image: Image, matrix: Matrix, size_px: int, border: int = cv2.BORDER_REPLICATE) -> Image:
    """The square (size_px, size_px, 3) that the similarity ``matrix`` (2, 3) leads to, from an RGB picture.

    Whole coordinates are the centres of pixels. Where the picture is reduced, it is sampled at its own
    resolution and averaged over areas; where it is enlarged, the interpolation is cubic. Of a picture that is reduced
    to an eighth or less, whole blocks of pixels are averaged first: only they are touched at their full number.
    """
    blocks = min(FINEST, int(1 / geometry.scale(matrix) / LEFT))
    if blocks > 1:
        image, matrix = _averaged(image, matrix, size_px, blocks)
    finer = min(FINEST, math.ceil(1 / geometry.scale(matrix) - SLIGHT))
    if finer <= 1:
        return _affine(image, matrix, size_px, cv2.INTER_CUBIC, border)
    fine = matrix * finer
    fine[:, 2] += (finer - 1) / 2
    large = _affine(image, fine, size_px * finer, cv2.INTER_LINEAR, border)
    return np.asarray(cv2.resize(large, (size_px, size_px), interpolation=cv2.INTER_AREA), np.uint8)


def outside_share(shape: tuple[int, ...], matrix: Matrix, size_px: int) -> float:
    """The share of the square's pixels that lie outside a picture of ``shape`` (H, W, …)."""
    back, rows = geometry.invert(matrix), np.arange(size_px, dtype=np.float64)
    first, last = np.full(size_px, -1.0), np.full(size_px, float(size_px))
    for (across, down, begin), length in zip(back, (shape[1], shape[0]), strict=True):
        # On each row the columns whose place lies between -0.5 and length - 0.5.
        at = down * rows + begin
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            ends = np.sort([(-0.5 - at) / across, (length - 0.5 - at) / across], 0)
        if across == 0:
            ends = np.where((at > -0.5) & (at < length - 0.5), [[-np.inf], [np.inf]], [[np.inf], [-np.inf]])
        np.maximum(first, ends[0], out=first)
        np.minimum(last, ends[1], out=last)
    within = np.maximum(np.ceil(last) - np.floor(first) - 1, 0)
    return float(1 - within.sum() / size_px**2)


def reduced(image: Image, blocks: int) -> Image:
    """A picture (H, W, 3) in means of ``blocks`` x ``blocks`` pixels; what is left over at its end repeats its last ones."""
    height, width = image.shape[:2]
    down, right = -height % blocks, -width % blocks
    if down or right:
        image = np.asarray(cv2.copyMakeBorder(image, 0, down, 0, right, cv2.BORDER_REPLICATE), np.uint8)
    size = ((width + right) // blocks, (height + down) // blocks)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _averaged(image: Image, matrix: Matrix, size_px: int, blocks: int) -> tuple[Image, Matrix]:
    """What of a picture the square shows, in means of blocks of pixels, and the matrix (2, 3) that leads from there."""
    corners = geometry.apply(
        geometry.invert(matrix), np.array([[i, j] for i in (0, size_px) for j in (0, size_px)]) - 0.5
    )
    last = np.array(image.shape[1::-1])
    # Blocks begin at multiples of their side, wherever the square lies, and what it needs beyond its edge is there.
    low = np.clip((np.floor(corners.min(0) / blocks).astype(np.int64) - 2) * blocks, 0, (last - 1) // blocks * blocks)
    high = np.clip((np.ceil(corners.max(0) / blocks).astype(np.int64) + 2) * blocks, low + 1, last)
    part = reduced(image[low[1] : high[1], low[0] : high[0]], blocks)
    moved = matrix.copy()
    moved[:, 2] += matrix[:, :2] @ (low + (blocks - 1) / 2)
    moved[:, :2] *= blocks
    return part, moved


def _affine(image: Image, matrix: Matrix, size_px: int, method: int, border: int) -> Image:
    # Four channels are interpolated in half the time of three, to the same bytes; a photo is only so large a detour.
    four = method == cv2.INTER_LINEAR and image.shape[0] * image.shape[1] < 4 * size_px * size_px
    given = cv2.cvtColor(image, cv2.COLOR_RGB2RGBA) if four else image
    cut = cv2.warpAffine(given, matrix, (size_px, size_px), flags=method, borderMode=border)
    return np.asarray(cv2.cvtColor(cut, cv2.COLOR_RGBA2RGB) if four else cut, np.uint8)
