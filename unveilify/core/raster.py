"""Draw triangle meshes into maps: which part of a surface does each pixel see?"""

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
        one, two, three = (np.take(at, self.corners[:, k], 0) for k in range(3))
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
    """Interpolate per-vertex ``values`` (N, K) over the pixels of a (height, width) picture.

    ``vertices`` (N, 3): x, y in pixels, pixel centres at whole numbers, and depth, larger is nearer.
    Triangles that turn their back are left out unless ``backs``; where several lie on a pixel the nearest wins.

    Returns:
        maps (height, width, K), zero where nothing is seen, and where something is seen (height, width).
    """
    height, width = shape
    maps = np.zeros((height * width, values.shape[1]), np.float32)
    seen = np.zeros(height * width, bool)
    found = hits(vertices, triangles, shape, backs=backs)
    maps[found.pixel] = found.blend(values)
    seen[found.pixel] = True
    return maps.reshape(height, width, -1), seen.reshape(shape)


def hits(vertices: Array, triangles: Ints, shape: tuple[int, int], *, backs: bool = False) -> Hits:
    """What `raster` draws: of several hits of one pixel (where triangles meet or fold), the nearest comes last."""
    height, width = shape
    a, b, c = (np.take(vertices, triangles[:, k], 0).T for k in range(3))
    low = np.ceil(np.minimum(np.minimum(a[:2], b[:2]), c[:2]) - 1e-4).astype(np.int64)
    high = np.floor(np.maximum(np.maximum(a[:2], b[:2]), c[:2]) + 1e-4).astype(np.int64)
    np.maximum(low, 0, out=low)
    np.minimum(high, [[width - 1], [height - 1]], out=high)
    ab, ac = b - a, c - a
    area = ab[0] * ac[1] - ab[1] * ac[0]
    span = high - low + 1
    size = span[0] * span[1]
    kept = np.flatnonzero(((np.abs(area) if backs else area) > 1e-6) & (span > 0).all(0))
    kept = kept[np.argsort(size[kept], kind="stable")]
    # weights of the second and third corner as b0 + bx x + by y from the box's corner
    inverse = 1 / np.where(area == 0, 1, area)
    slopes = np.stack([ac[1], -ac[0], -ab[1], ab[0]]) * inverse
    x, y = low - a[:2]
    planes = np.concatenate([[slopes[0] * x + slopes[1] * y, slopes[2] * x + slopes[3] * y], slopes]).astype(np.float32)
    found = [_cover(part, planes, span, width) for part in _batches(kept, size)]
    if not found:
        none = np.zeros(0, np.int64)
        return Hits(none, np.zeros((0, 3), np.int64), none.astype(np.float32), none.astype(np.float32))
    rest, owner, second, third = (np.concatenate(column) for column in zip(*found, strict=True))
    pixel = np.take(low[1] * width + low[0], owner) + rest
    if (area < -1e-6).any():  # the surface folds over itself somewhere: draw from far to near
        depth = np.take(a[2], owner) + second * np.take(ab[2], owner) + third * np.take(ac[2], owner)
        rank = np.argsort(depth, kind="stable")
        pixel, owner, second, third = pixel[rank], owner[rank], second[rank], third[rank]
    return Hits(pixel, np.take(triangles, owner, 0), second, third)


def _cover(part: Ints, planes: Floats, span: Ints, width: int) -> tuple[Ints, Ints, Floats, Floats]:
    """Pixels (flat, from their box's corner), triangles and weights of all triangles of ``part``."""
    columns, rows = span[0, part], span[1, part]
    x = np.arange(columns.max(), dtype=np.float32)
    y = np.arange(rows.max(), dtype=np.float32)
    wb0, wc0, bx, by, cx, cy = planes[:, part, None, None]
    across, down = x[None, None, :], y[None, :, None]
    wb = (wb0 + bx * across) + by * down
    wc = (wc0 + cx * across) + cy * down
    least = np.minimum(wb, wc)
    np.minimum(least, 1 - (wb + wc), out=least)
    inside = least >= -_EDGE
    if columns.min() < len(x):
        inside &= across < columns[:, None, None]
    if rows.min() < len(y):
        inside &= down < rows[:, None, None]
    count = len(x) * len(y)
    hit = np.flatnonzero(inside)
    triangle = hit // count
    offset = (np.arange(len(y))[:, None] * width + np.arange(len(x))).ravel()
    rest = np.take(offset, hit - triangle * count)
    return rest, np.take(part, triangle), np.take(wb.ravel(), hit), np.take(wc.ravel(), hit)


def _batches(order: Ints, size: Ints) -> list[Ints]:
    """Cut triangles, sorted by the size of their boxes, where the size has tripled or memory would grow."""
    sizes = np.maximum(size[order], 24)
    batches, begin = [], 0
    while begin < len(order):
        room = max(1, _CHUNK // int(sizes[begin] * 3))
        end = min(int(np.searchsorted(sizes, sizes[begin] * 3, side="right")), begin + room)
        batches.append(order[begin:end])
        begin = end
    return batches
