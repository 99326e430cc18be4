"""From our face crop to the 112 px template of face recognisers, by one fixed similarity.

Every face crop has its eyes at the same place (centred, level, 0.25 of the side apart, at 0.40 of the
height), so no landmarks are needed: the crop's eyes go onto the template's eyes. In the loss this must be
differentiable and must not alias, or the gradient would touch only some of the pixels.
"""

from functools import lru_cache

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from unveilify.core.geometry import Matrix, invert, scale, similarity
from unveilify.core.records import Image

TEMPLATE_PX = 112

TEMPLATE_EYES = np.array([[38.2946, 51.6963], [73.5318, 51.5014]])
"""Eye centres of the ArcFace template in pixels (Deng et al. 2019; insightface, `arcface_dst`)."""

CROP_EYES = np.array([[0.375, 0.40], [0.625, 0.40]])
"""Eye centres of a face crop, as shares of its side, from its outer edge (`unveilify.faces.align`)."""


@lru_cache(maxsize=32)
def crop_to_template(size_px: int) -> Matrix:
    """The 2×3 similarity from pixels of a face crop of side ``size_px`` to pixels of the template."""
    # Pixel coordinates count from the centre of the first pixel, half a pixel from the edge.
    return similarity(CROP_EYES * size_px - 0.5, TEMPLATE_EYES)


def template_image(crop: Image) -> Image:
    """(S, S, 3) face crop -> (112, 112, 3), uint8, antialiased when S is larger than what is left of it."""
    matrix, shrunk_px = _plan(crop.shape[0])
    if shrunk_px != crop.shape[0]:
        crop = np.asarray(cv2.resize(crop, (shrunk_px, shrunk_px), interpolation=cv2.INTER_AREA), np.uint8)
    size = (TEMPLATE_PX, TEMPLATE_PX)
    warped = cv2.warpAffine(crop, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped, np.uint8)


def template_tensor(crops: Tensor) -> Tensor:
    """(N, 3, S, S) face crops -> (N, 3, 112, 112), differentiable, antialiased; float32, any value range."""
    crops = crops.float()
    matrix, shrunk_px = _plan(crops.shape[-1])
    if shrunk_px != crops.shape[-1]:
        crops = F.interpolate(crops, size=(shrunk_px, shrunk_px), mode="bilinear", antialias=True)
    theta = torch.from_numpy(_theta(matrix, shrunk_px)).to(crops)
    shape = [len(crops), crops.shape[1], TEMPLATE_PX, TEMPLATE_PX]
    grid = F.affine_grid(theta.expand(len(crops), 2, 3), shape, align_corners=False)
    return F.grid_sample(crops, grid, mode="bilinear", padding_mode="border", align_corners=False)


@lru_cache(maxsize=32)
def _plan(size_px: int) -> tuple[Matrix, int]:
    """Shrink to which side first, and the similarity from there; sides up to 141 px are not shrunk."""
    matrix = crop_to_template(size_px)
    if scale(matrix) >= 1:
        return matrix, size_px
    shrunk_px = round(size_px * scale(matrix))
    ratio = size_px / shrunk_px
    # Pixel (0, 0) of the smaller picture lies at the centre of ratio × ratio pixels of the larger one.
    back = np.array([[ratio, 0, 0.5 * ratio - 0.5], [0, ratio, 0.5 * ratio - 0.5], [0, 0, 1]])
    return matrix @ back, shrunk_px


def _theta(matrix: Matrix, size_px: int) -> Matrix:
    """The inverse of ``matrix`` in torch's units, where a picture's outer edges lie at -1 and 1."""
    to_units = np.array([[2 / size_px, 0, 1 / size_px - 1], [0, 2 / size_px, 1 / size_px - 1], [0, 0, 1]])
    half = TEMPLATE_PX / 2
    to_pixels = np.array([[half, 0, half - 0.5], [0, half, half - 0.5], [0, 0, 1]])
    whole: Matrix = to_units @ np.vstack([invert(matrix), [0, 0, 1]]) @ to_pixels
    return np.ascontiguousarray(whole[:2])
