"""The lower face of the identity image, colour-matched and blended into the hole.

Face crops are aligned on the eyes, so the other photo's lower face already lies about where it belongs. Its
colours are shifted and scaled to the masked photo's around the eyes, and the seam is removed by Poisson
blending (Pérez et al. 2003). Needs no training; an identity metric likes it, since it copies.
"""

import cv2
import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array, diags_array  # type: ignore[import-untyped]
from scipy.sparse.linalg import splu  # type: ignore[import-untyped]
from torch import nn

from unveilify.core.batch import to_bytes, to_tensor
from unveilify.core.records import Image
from unveilify.models.contract import Batch, Output, Recipe, Sized
from unveilify.models.layers.pictures import composite, hole_mask

USES_HOLE = True
TRAINS = False
RECIPE = Recipe()

Floats = npt.NDArray[np.float32]

VISIBLE = (slice(0.24, 0.46), slice(0.2, 0.8))
"""Rows and columns, as shares of the side, around the eyes: skin that a mask seldom covers."""


class Config(Sized):
    """Nothing to set."""


class Network(nn.Module):
    """Poisson blending of the first identity image; without one, the masked picture."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config

    def forward(self, batch: Batch) -> Output:
        """Fill the hole from the first identity image."""
        masked, holes = to_bytes(batch.masked), hole_mask(batch.hole)
        given = to_bytes(batch.identity[:, 0])
        real = batch.real.tolist()
        filled = np.stack([paste(*row) if n else row[0] for *row, n in zip(masked, given, holes, real, strict=True)])
        return Output(image=composite(to_tensor(filled, batch.masked), batch.masked, batch.hole))


def paste(masked: Image, given: Image, hole: Image) -> Image:
    """Blend ``given`` into ``hole`` (255 inside) of ``masked``: (S, S, 3) RGB, (S, S, 3), (S, S) -> (S, S, 3)."""
    if not hole.any() or hole.all():
        return given if hole.any() else masked
    matched = match_colour(given, masked, hole).astype(np.float32)
    # The rim from which the blending takes its colours must lie on skin, not on the mask's soft edge.
    inside = cv2.dilate(hole, np.ones((3, 3), np.uint8)) > 0
    blended = matched + membrane(masked - matched, inside)
    return np.asarray(blended.round().clip(0, 255), np.uint8)


def membrane(known: Floats, inside: npt.NDArray[np.bool_]) -> Floats:
    """Fill ``inside`` (S, S) of ``known`` (S, S, C) harmonically from its rim: zero Laplacian, no flow at borders.

    Adding it to the pasted picture is Poisson blending (Pérez et al. 2003, eq. 5). `cv2.seamlessClone` solves
    on the hole's bounding box instead and so changes pixels outside the hole, by up to 23 levels.
    """
    height, width = inside.shape
    number = np.full((height + 2, width + 2), -1)
    number[1:-1, 1:-1][inside] = np.arange(inside.sum())
    rows, columns = np.nonzero(inside)
    centre = np.arange(len(rows))
    degree = np.zeros(len(rows))
    right = np.zeros((len(rows), known.shape[2]))
    links: list[tuple[npt.NDArray[np.int_], npt.NDArray[np.int_]]] = []
    for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        y, x = rows + dy, columns + dx
        within = (y >= 0) & (y < height) & (x >= 0) & (x < width)
        degree += within
        neighbour = number[y + 1, x + 1]
        rim = within & (neighbour < 0)
        right[rim] += known[y[rim], x[rim]]
        links.append((centre[neighbour >= 0], neighbour[neighbour >= 0]))
    i, j = (np.concatenate(part) for part in zip(*links, strict=True))
    laplacian = diags_array(degree) - coo_array((np.ones(len(i)), (i, j)), shape=(len(rows), len(rows)))
    filled = known.copy()
    filled[inside] = splu(laplacian.tocsc()).solve(right)
    return filled


def match_colour(given: Image, masked: Image, hole: Image) -> Image:
    """Shift and scale each channel of ``given`` to the mean and deviation of ``masked`` around the eyes.

    Pixels in the hole are left out; the scale is held within 0.5…2. Reinhard et al. 2001, in RGB.
    """
    side = masked.shape[0]
    rows, columns = (slice(int(s.start * side), int(s.stop * side)) for s in VISIBLE)
    clear = hole[rows, columns] == 0
    if clear.sum() < 16:
        return given
    source = given[rows, columns][clear].astype(np.float32)
    target = masked[rows, columns][clear].astype(np.float32)
    scale = np.clip(target.std(0) / np.maximum(source.std(0), 1.0), 0.5, 2.0)
    matched: Floats = (given.astype(np.float32) - source.mean(0)) * scale + target.mean(0)
    return np.asarray(matched.round().clip(0, 255), np.uint8)


def discriminator(config: Config) -> None:
    """None: nothing is trained."""
