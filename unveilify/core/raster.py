"""Draw triangle meshes into maps: which part of a surface does each pixel see?"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_CHUNK = 1 << 20
_EDGE = np.float32(1e-4)


@dataclass(frozen=True, slots=True)
class Hits:
    """Which triangle lies on which pixel: P of them, at most one on each pixel unless two meet there.

    ``pixel`` (P,): row × width + column. ``corners`` (P, 3): vertex numbers. ``second`` and ``third`` (P,): weights
    of those corners, 0…1; the first one's is what is left.
    """

    pixel: Ints
    corners: Ints
    second: Floats
    third: Floats

    def last(self, shape: tuple[int, int]) -> "Hits":
        """Only the last hit of each pixel of a (height, width) picture."""
        number = np.arange(len(self.pixel))
        latest = np.empty(shape[0] * shape[1], np.int64)
        latest[self.pixel] = number
        kept = np.flatnonzero(latest[self.pixel] == number)
        return Hits(self.pixel[kept], self.corners[kept], self.second[kept], self.third[kept])

    def blend(self, values: Array) -> Floats:
        """Interpolate per-vertex ``values`` (N, K): (P, K)."""
        at = values.astype(np.float32)
        one, two, three = (at.take(self.corners[:, k], 0) for k in range(3))
        two -= one
        three -= one
        two *= self.second[:, None]
        three *= self.third[:, None]
        one += two
        one += three
        return one


@lru_cache(maxsize=16)
def grid_triangles(rows: int, columns: int) -> Ints:
    """(T, 3) vertex numbers of a grid of rows × columns vertices, numbered row by row."""
    corner = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
    upper = np.column_stack([corner, corner + 1, corner + columns])
    lower = np.column_stack([corner + 1, corner + columns + 1, corner + columns])
    return np.stack([upper, lower], 1).reshape(-1, 3)


def raster(
    vertices: Array, triangles: Ints, values: Array, shape: tuple[int, int], *, backs: bool = False
) -> tuple[Floats, Bools]:
    """Interpolate per-vertex ``values`` (..., N, K) over the pixels of (height, width) pictures.

    ``vertices`` (..., N, 3): x, y in pixels, pixel centres at whole numbers, and depth, larger is nearer.
    Triangles that turn their back are left out unless ``backs``; where several lie on a pixel the nearest wins.

    Returns:
        maps (..., height, width, K), zero where nothing is seen, and where something is seen (..., height, width).
    """
    *before, count, channels = values.shape
    pages, pixels = math.prod(before), shape[0] * shape[1]
    maps = np.zeros((pages * pixels, channels), np.float32)
    seen = np.zeros(pages * pixels, bool)
    if pages:
        every = (triangles + count * np.arange(pages)[:, None, None]).reshape(-1, 3)
        first = pixels * np.repeat(np.arange(pages), len(triangles))
        found = hits(vertices.reshape(-1, 3), every, shape, backs=backs, first=first)
        maps[found.pixel] = found.blend(values.reshape(-1, channels))
        seen[found.pixel] = True
    return maps.reshape(*before, *shape, channels), seen.reshape(*before, *shape)


def hits(
    vertices: Array, triangles: Ints, shape: tuple[int, int], *, backs: bool = False, first: Ints | None = None
) -> Hits:
    """What `raster` draws: of several hits of one pixel (where triangles meet or fold), the nearest comes last.

    ``first`` (T,): the number of the first pixel of each triangle's picture, where several of one shape are drawn.
    """
    height, width = shape
    points = vertices.T.take(triangles.T, 1)  # (3, 3, T): coordinate, corner
    low = np.ceil(points[:2].min(1) - 1e-4).astype(np.int64)
    high = np.floor(points[:2].max(1) + 1e-4).astype(np.int64)
    np.maximum(low, 0, out=low)
    np.minimum(high, [[width - 1], [height - 1]], out=high)
    a = points[:, 0]
    ab, ac = points[:, 1] - a, points[:, 2] - a
    area = ab[0] * ac[1] - ab[1] * ac[0]
    span = high - low + 1
    size = span[0] * span[1]
    kept = np.flatnonzero(((np.abs(area) if backs else area) > 1e-6) & (span > 0).all(0))
    kept = kept[size[kept].argsort(kind="stable")]
    # weights of the second and third corner as b0 + bx x + by y from the box's corner
    inverse = 1 / np.where(area == 0, 1, area)
    slopes = np.stack([ac[1], -ac[0], -ab[1], ab[0]]) * inverse
    x, y = low - a[:2]
    planes = np.concatenate([[slopes[0] * x + slopes[1] * y, slopes[2] * x + slopes[3] * y], slopes]).astype(np.float32)
    found = [_cover(part, planes, span, width) for part in _parts(kept, size)]
    if not found:
        none = np.zeros(0, np.int64)
        return Hits(none, np.zeros((0, 3), np.int64), none.astype(np.float32), none.astype(np.float32))
    rest, owner, second, third = found[0] if len(found) == 1 else map(np.concatenate, zip(*found, strict=True))
    begin = low[1] * width + low[0]
    pixel = (begin if first is None else begin + first).take(owner) + rest
    if (area < -1e-6).any():  # the surface folds over itself somewhere: what is hit twice is drawn from far to near
        twice = np.flatnonzero(np.bincount(pixel, minlength=1)[pixel] > 1)
        on = owner[twice]
        depth = a[2].take(on) + second[twice] * ab[2].take(on) + third[twice] * ac[2].take(on)
        rank = twice[depth.argsort(kind="stable")]
        for column in (pixel, owner, second, third):
            column[twice] = column[rank]
    return Hits(pixel, triangles.take(owner, 0), second, third)


def _cover(part: Ints, planes: Floats, span: Ints, width: int) -> tuple[Ints, Ints, Floats, Floats]:
    """Pixels (flat, from their box's corner), triangles and weights of all triangles of ``part``, one after the other."""
    mine, columns, rows = planes.take(part, 1), span[0].take(part), span[1].take(part)
    # Where on its row no weight is below 0, with room for rounding: which pixels they are is decided below.
    wb0, wc0, bx, by, cx, cy = np.abs(mine)
    room = (wb0 + wc0 + (bx + cx) * columns + (by + cy) * rows) * np.float32(1e-5) + 2 * _EDGE
    here, y = _runs(rows)
    wb0, wc0, bx, by, cx, cy = mine.take(here, 1)
    down = y.astype(np.float32)
    step_b, step_c = by * down, cy * down
    at_b, at_c = wb0 + step_b, wc0 + step_c
    low, high, slack = (
        np.zeros_like(down),
        (columns - 1).astype(np.float32).take(here),
        room.astype(np.float32).take(here),
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        for start, slope in ((at_b, bx), (at_c, cx), (1 - at_b - at_c, -bx - cx)):
            meets = -(slack + start) / slope
            np.fmax(low, np.where(slope > 0, meets, -np.inf), out=low)
            np.fmin(high, np.where(slope < 0, meets, np.inf), out=high)
    np.maximum(high, -1, out=high)
    np.minimum(low, high + 1, out=low)
    begin = np.ceil(low).astype(np.int64)
    line, place = _runs(np.maximum(np.floor(high).astype(np.int64) - begin + 1, 0))
    x = begin.take(line) + place
    across = x.astype(np.float32)
    wb0, wc0, bx, cx, step_b, step_c = np.stack([wb0, wc0, bx, cx, step_b, step_c]).take(line, 1)
    wb, wc = (wb0 + bx * across) + step_b, (wc0 + cx * across) + step_c
    least = np.minimum(wb, wc)
    np.minimum(least, 1 - (wb + wc), out=least)
    hit = np.flatnonzero(least >= -_EDGE)
    line = line[hit]
    return y.take(line) * width + x[hit], part.take(here.take(line)), wb[hit], wc[hit]


def _runs(counts: Ints) -> tuple[Ints, Ints]:
    """``counts[i]`` times ``i``, for each i, and beside each its place among those: 0, 1, 2 …"""
    ends = counts.cumsum()
    owner = np.arange(len(counts)).repeat(counts)
    return owner, np.arange(len(owner)) - (ends - counts).repeat(counts)


def _parts(order: Ints, size: Ints) -> list[Ints]:
    """Cut triangles where the memory for them would grow."""
    total = np.cumsum(size[order])
    if not len(order) or total[-1] <= _CHUNK:
        return [order] if len(order) else []
    return np.split(order, np.flatnonzero(np.diff(total // _CHUNK)) + 1)
