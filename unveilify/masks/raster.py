"""Draw triangle meshes into maps: which part of a surface does each pixel see?"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_CHUNK = 1 << 20
_EDGE = np.float32(1e-4)


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
    corners = vertices[triangles]
    low = np.maximum(np.ceil(corners[:, :, :2].min(1) - 1e-4), 0).astype(np.int64)
    high = np.minimum(np.floor(corners[:, :, :2].max(1) + 1e-4), [width - 1, height - 1]).astype(np.int64)
    ab, ac = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]
    kept = np.flatnonzero(((np.abs(area) if backs else area) > 1e-6) & (high >= low).all(1))
    maps = np.zeros((height * width, values.shape[1]), np.float32)
    seen = np.zeros(height * width, bool)
    span = high - low + 1
    kept = kept[np.argsort(span[kept].prod(1), kind="stable")]
    found = [_cover(part, corners[:, 0], ab, ac, area, low, span, width) for part in _batches(kept, span)]
    if not found:
        return maps.reshape(height, width, -1), seen.reshape(shape)
    pixel, owner, wb, wc = (np.concatenate(column) for column in zip(*found, strict=True))
    if (area < -1e-6).any():  # the surface folds over itself somewhere: draw from far to near
        depth = np.take(corners[:, 0, 2], owner) + wb * np.take(ab[:, 2], owner) + wc * np.take(ac[:, 2], owner)
        rank = np.argsort(depth, kind="stable")
        pixel, owner, wb, wc = pixel[rank], owner[rank], wb[rank], wc[rank]
    at = values.astype(np.float32)[triangles]
    first, second, third = at[:, 0], at[:, 1] - at[:, 0], at[:, 2] - at[:, 0]
    # of several writes to one pixel, the last one stays
    drawn = np.take(second, owner, 0) * wb[:, None]
    drawn += np.take(third, owner, 0) * wc[:, None]
    drawn += np.take(first, owner, 0)
    maps[pixel] = drawn
    seen[pixel] = True
    return maps.reshape(height, width, -1), seen.reshape(shape)


def _cover(
    part: Ints, origin: Array, ab: Array, ac: Array, area: Array, low: Ints, span: Ints, width: int
) -> tuple[Ints, Ints, Floats, Floats]:
    """Pixels (flat), triangles and weights of the second and third corner for all triangles of ``part``."""
    columns, rows = span[part].max(0)
    x0, y0 = (low[part] - origin[part, :2]).T
    inverse = 1 / area[part]
    x = (x0[:, None] + np.arange(columns)).astype(np.float64)
    y = (y0[:, None] + np.arange(rows)).astype(np.float64)
    bx, by = (ac[part, 1] * inverse)[:, None], (ac[part, 0] * inverse)[:, None]
    cx, cy = (ab[part, 1] * inverse)[:, None], (ab[part, 0] * inverse)[:, None]
    wb = (bx * x).astype(np.float32)[:, None, :] - (by * y).astype(np.float32)[:, :, None]
    wc = (cy * y).astype(np.float32)[:, :, None] - (cx * x).astype(np.float32)[:, None, :]
    inside = (wb >= -_EDGE) & (wc >= -_EDGE) & (wb + wc <= 1 + _EDGE)
    inside &= (np.arange(columns) < span[part, :1])[:, None, :]
    inside &= (np.arange(rows) < span[part, 1:])[:, :, None]
    hit = np.flatnonzero(inside)
    triangle, rest = np.divmod(hit, rows * columns)
    row, column = np.divmod(rest, columns)
    corner = low[part, 1] * width + low[part, 0]
    pixel = np.take(corner, triangle) + row * width + column
    return pixel, np.take(part, triangle), np.take(wb.ravel(), hit), np.take(wc.ravel(), hit)


def _batches(order: Ints, span: Ints) -> list[Ints]:
    """Cut triangles, sorted by the size of their boxes, where the size has tripled or memory would grow."""
    sizes = np.maximum(span[order].prod(1), 24)
    batches, begin = [], 0
    while begin < len(order):
        room = max(1, _CHUNK // int(sizes[begin] * 3))
        end = min(int(np.searchsorted(sizes, sizes[begin] * 3, side="right")), begin + room)
        batches.append(order[begin:end])
        begin = end
    return batches
