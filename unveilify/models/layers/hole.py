"""From a found mask to the hole that is filled, and back over the photo."""

from collections.abc import Callable
from functools import reduce

import cv2
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from unveilify.core import mesh

FOUND = 0.4
"""Alpha from which on a pixel belongs to the mask."""
STRAP, THIN = 0.2, 0.015
"""The same for what is thinner than twice this share of the side: straps are found with less belief than cloth."""
EDGE = 0.015
"""Width of the hole's soft edge, as a share of the side."""
BESIDE = 0.5
"""Share of all this that is enough beside the face: an ear that is seen is worth more than one that is filled in."""
EYES = (
    (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
    (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466),
)
"""Points of the mesh around the openings of the eyes, in order."""


OPAQUE = 4.0
"""Alpha times this is how far the fill covers the photo."""
SURE = 0.9
"""Alpha from which on a pixel belongs to the mask even where an eye is."""
LIDS = 1.35
"""How much larger than the opening of an eye the area is that the hole spares."""


def soften(found: Tensor, widen: float, landmarks: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """A found mask (B, 1, S, S), 0…1, widened by a share of the side -> (hole, alpha).

    The alpha is 1 on the widened mask and falls to 0 around it; the hole, 0 or 1, is where it is above 0. The eyes of the
    meshes ``landmarks`` (B, 468, 3) are spared: of all that is seen of a person they are most.
    """
    side = found.shape[-1]
    reach, edge = round(widen * side), max(1, round(EDGE * side))
    spared, face = eyes(landmarks, found), inside(landmarks, found)
    sure = (found > SURE).float() * spared
    straps = _thin((found > STRAP).float(), round(THIN * side)) * (1 - spared)
    cloth = torch.maximum((found > FOUND).float(), straps) * (1 - spared) + sure
    near, far = torch.maximum(grown(cloth, round(BESIDE * reach)), grown(straps, reach)), grown(cloth, reach) * face
    wide = torch.maximum(near, far) * (1 - spared) + sure
    hole = torch.maximum(_grown(wide, round(BESIDE * edge)), _grown(wide, edge) * face) * (1 - spared) + sure
    falling = averaged(wide, edge) / averaged(torch.ones_like(wide[:1]), edge)
    return hole, torch.maximum(wide, falling * hole)


def eyes(landmarks: Tensor | None, like: Tensor) -> Tensor:
    """Where the eyes and their lids are in pictures like (B, 1, S, S): 1 there; nowhere where no mesh is known."""
    area = np.zeros((len(like), *like.shape[-2:]), np.uint8)
    for picture, points in zip(area, _points(landmarks, len(like)), strict=True):
        for outline in EYES:
            around = points[list(outline)]
            if np.isfinite(around).all():
                middle = around.mean(0)
                cv2.fillPoly(picture, [_pixels(middle + LIDS * (around - middle), like)], 1)
    return torch.from_numpy(area[:, None]).to(like)


def inside(landmarks: Tensor | None, like: Tensor) -> Tensor:
    """The faces, as far as the hulls of their meshes go, in pictures like (B, 1, S, S): 1 there; everywhere where no mesh is
    known."""
    area = np.ones((len(like), *like.shape[-2:]), np.uint8)
    for picture, points in zip(area, _points(landmarks, len(like)), strict=True):
        if np.isfinite(points).all():
            picture[:] = 0
            cv2.fillConvexPoly(picture, cv2.convexHull(_pixels(points, like)), 1)
    return torch.from_numpy(area[:, None]).to(like)


def _points(landmarks: Tensor | None, count: int) -> npt.NDArray[np.float64]:
    """The meshes (B, 468, 2) of ``count`` pictures on the host, no numbers where there are none."""
    if landmarks is None or landmarks.shape[-2:] != (mesh.POINTS, 3):
        return np.full((count, mesh.POINTS, 2), np.nan)
    return np.asarray(landmarks[..., :2].detach().cpu().double().numpy())


def _pixels(points: npt.NDArray[np.float64], like: Tensor) -> npt.NDArray[np.int32]:
    """Points (N, 2) in shares of the side of pictures like (B, 1, S, S), as pixels."""
    return np.rint(points * like.shape[-1] - 0.5).astype(np.int32)


def _thin(area: Tensor, reach: int) -> Tensor:
    """What of (B, 1, S, S) lies off whatever a square of ``reach`` pixels around a pixel fits into."""
    return area * (1 - grown(1 - grown(1 - area, reach), 2 * reach))


def laid_over(masked: Tensor, alpha: Tensor, fill: Tensor) -> Tensor:
    """``fill`` over the photo; where the alpha is 0 the photo is untouched, to the last bit.

    It has met the photo at the hole's edge already: only the outermost pixels are mixed, for further in the photo still shows
    the mask's shadow and the fringe of its cloth.
    """
    return masked + (OPAQUE * alpha).clamp(max=1) * (fill - masked)


def grown(area: Tensor, reach: int) -> Tensor:
    """The largest value of (B, C, S, S) within a square of ``reach`` pixels around."""
    return _around(area, reach, torch.maximum, -torch.inf)


def averaged(area: Tensor, reach: int) -> Tensor:
    """The mean of (B, C, S, S) over a square of ``reach`` pixels around; outside the picture are zeros."""
    return _around(area, reach, torch.add, 0.0) / (2 * reach + 1) ** 2


def _around(area: Tensor, reach: int, both: Callable[[Tensor, Tensor], Tensor], outside: float) -> Tensor:
    """All values within a square of ``reach`` pixels around put together by ``both``, along rows, then along columns.

    Runs of 1, 2, 4 … pixels make up the width, so that the work grows with its logarithm; torch's pools look at
    every pixel of every window, on a CPU twenty times as long.
    """
    width = 2 * reach + 1
    for axis, sides in ((-1, (reach, reach)), (-2, (0, 0, reach, reach))):
        size, run, length, begin = area.shape[axis], F.pad(area, sides, value=outside), 1, 0
        parts = []
        while True:
            if width & length:
                parts.append(run.narrow(axis, begin, size))
                begin += length
            if begin == width:
                break
            rest = run.shape[axis] - length
            run = both(run.narrow(axis, 0, rest), run.narrow(axis, length, rest))
            length *= 2
        area = reduce(both, parts)
    return area


def _grown(area: Tensor, reach: int) -> Tensor:
    """Everything within ``reach`` pixels, in a rounded square."""
    for step in (reach - 2 * (reach // 3), reach // 3, reach // 3):
        if step:
            area = grown(area, step)
    return area
