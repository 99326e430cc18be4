"""The mask as a surface in canonical space: two edges, a membrane over nose and chin between them."""

from dataclasses import dataclass
from functools import lru_cache
from math import cos, sin

import numpy as np
import numpy.typing as npt

from unveilify.masks._head import half_width, relief
from unveilify.masks.recipe import Wear

Array = npt.NDArray[np.float64]
Half = tuple[tuple[float, float], ...]

ROWS, COLUMNS = 17, 25
_PIVOT_Y = 0.95
_FACE_GAP = 0.015


@dataclass(frozen=True, slots=True)
class Cut:
    """A style's shape. Edges are canonical (x, y) of the right half, from the middle outwards.

    ``roundness``: how the height falls from the middle to the sides, as 1 - |u|^roundness (1 a keel, 2 a bowl,
    3 a box). ``puff``: how far the middle stands out beyond a membrane stretched from nose to chin, and
    ``puff_at`` where (0 upper edge … 1 lower edge). ``bow``: sides curve outwards by this much. ``lift``: edges
    stand off the skin. ``back``: the side ends run this much farther back, behind the ears. ``held``: how much of
    a tilt or slide it resists, 0…1 (a tube around the neck hardly tilts). ``sticker``: not a surface at all but a
    flat drawing, laid on by one homography, unlit.
    """

    top: Half
    bottom: Half
    roundness: float = 2.0
    puff: float = 0.0
    puff_at: float = 0.5
    bow: float = 0.0
    lift: float = 0.02
    back: float = 0.0
    held: float = 0.0
    sticker: bool = False


@dataclass(frozen=True, slots=True)
class Surface:
    """``points`` (ROWS, COLUMNS, 3) canonical; row 0 is the upper edge, column 0 the picture's left side."""

    points: Array

    @property
    def normals(self) -> Array:
        """(ROWS, COLUMNS, 3) unit normals that point away from the face."""
        (ax, ay, az), (bx, by, bz) = _slopes(self.points.transpose(2, 0, 1))
        normal = np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], -1)
        return np.asarray(normal / np.maximum(np.sqrt((normal * normal).sum(2, keepdims=True)), 1e-9))


def surface(cut: Cut, wear: Wear, seed: int = 0) -> Surface:
    """Stretch a cut over the mean face, worn as ``wear`` says."""
    top = _edge(_worn(cut, cut.top, wear, wear.top, 0.0), cut.lift + wear.loose, cut.back)
    bottom = _edge(_worn(cut, cut.bottom, wear, wear.bottom, wear.pulled), cut.lift + 0.5 * wear.loose, cut.back)
    grid = _coons(top, bottom, cut.bow * wear.width)
    u = np.abs(np.linspace(-1, 1, COLUMNS))[None, :]
    v = np.linspace(0, 1, ROWS)[:, None]
    middle = COLUMNS // 2
    stretched = _membrane(grid[:, middle, 1], grid[0, middle, 2], grid[-1, middle, 2])
    stretched += (cut.puff + wear.loose) * np.sin(np.pi * v[:, 0] ** (np.log(0.5) / np.log(cut.puff_at)))
    rise = stretched - grid[:, middle, 2]
    grid[:, :, 2] += rise[:, None] * (1 - u**cut.roundness)
    grid[1:-1, :, 2] = _smooth(np.maximum(grid[:, :, 2], relief(grid[:, :, 0], grid[:, :, 1]) + _FACE_GAP))[1:-1]
    if wear.crumple:
        grid += _crumpled(wear.crumple, seed)
    return Surface(grid)


def spline(points: Array, count: int) -> Array:
    """``count`` points on the Catmull-Rom curve through (K, D) points, about evenly spaced."""
    return resample(_catmull_rom(len(points)) @ points, count)


@lru_cache(maxsize=32)
def _catmull_rom(number: int) -> Array:
    """(12 (K - 1) + 1, K): the curve through K points as a linear map of them; its ends continue straight on."""
    t = np.linspace(0, 1, 12, endpoint=False)[:, None]
    weights = 0.5 * np.hstack([-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, -(t**2) + t**3])
    extended = np.zeros((number + 2, number))
    extended[1:-1] = np.eye(number)
    extended[0, :2], extended[-1, -2:] = (2, -1), (-1, 2)
    parts = [weights @ extended[k : k + 4] for k in range(number - 1)]
    return np.vstack([*parts, np.eye(number)[-1:]])


def resample(line: Array, count: int) -> Array:
    """``count`` evenly spaced points on a polyline (K, D)."""
    steps = line[1:] - line[:-1]
    along = np.concatenate([[0.0], np.cumsum(np.sqrt((steps * steps).sum(1)))])
    at = np.linspace(0, along[-1], count)
    return np.column_stack([np.interp(at, along, column) for column in line.T])


def _both(half: Half) -> Array:
    right = np.array(half, np.float64)
    left = right[:0:-1] * np.array([-1.0, 1.0])
    return np.vstack([left, right])


def _worn(cut: Cut, edge: Half, wear: Wear, drop: float, pulled: float) -> Array:
    x, y = _both(edge).T
    reach = np.abs(x).max()
    inner = 1 - (x / reach) ** 2
    y = y + drop * (0.5 + 0.5 * inner) + pulled * inner  # straps hold the sides
    x = x * wear.width
    if drop > 0:  # a mask that slides down follows the narrowing face
        x = x * np.minimum(1.0, (half_width(np.minimum(y, 1.35)) + 0.02) / np.maximum(half_width(y - drop), 0.6))
    tilt, slide = wear.tilt * (1 - cut.held), wear.slide * (1 - cut.held)
    y = y - _PIVOT_Y
    return np.column_stack([cos(tilt) * x - sin(tilt) * y + slide, sin(tilt) * x + cos(tilt) * y + _PIVOT_Y])


def _edge(flat: Array, lift: float, back: float) -> Array:
    fine = spline(flat, 4 * COLUMNS)
    behind = np.clip((np.abs(fine[:, 0]) - 1.02) / 0.1, 0, 1) * back
    on_face = np.column_stack([fine, relief(fine[:, 0], fine[:, 1]) + lift - behind])
    return resample(on_face, COLUMNS)


def _coons(top: Array, bottom: Array, bow: float) -> Array:
    """The patch between two edges whose sides are straight, but for an outward ``bow``."""
    v = np.linspace(0, 1, ROWS)[:, None, None]
    grid = (1 - v) * top + v * bottom
    u = np.linspace(-1, 1, COLUMNS)[None, :]
    swell = bow * np.sin(np.pi * v[:, :, 0]) * np.sign(u) * u**2
    grid[:, :, 0] += swell
    side = relief(grid[:, [0, -1], 0], grid[:, [0, -1], 1]) + 0.02
    raise_sides = np.maximum(side - grid[:, [0, -1], 2], 0)
    weight = np.abs(u) ** 2
    left, right = raise_sides[:, :1], raise_sides[:, 1:]
    grid[:, :, 2] += np.where(u < 0, left, right) * weight
    return np.asarray(grid)


def _membrane(y: Array, first: float, last: float) -> Array:
    """Heights of the tight line over the face's middle from the upper to the lower edge: its upper hull."""
    height = relief(np.zeros_like(y), y) + _FACE_GAP + 0.01
    height[0], height[-1] = first, last
    hull: list[int] = []
    for i in range(len(y)):
        while len(hull) > 1 and _below(y, height, hull[-2], hull[-1], i):
            hull.pop()
        hull.append(i)
    return np.interp(np.arange(len(y)), hull, height[hull])


def _below(y: Array, h: Array, a: int, b: int, c: int) -> bool:
    return bool((h[b] - h[a]) * (y[c] - y[a]) <= (h[c] - h[a]) * (y[b] - y[a]))


def _smooth(height: Array) -> Array:
    for flat in (height, height.T):  # 1 2 1 across, then down; the borders are repeated
        before = flat.copy()
        flat *= 2
        flat[:, 1:] += before[:, :-1]
        flat[:, :-1] += before[:, 1:]
        flat[:, 0] += before[:, 0]
        flat[:, -1] += before[:, -1]
        flat /= 4
    return height


def _slopes(planes: Array) -> tuple[Array, Array]:
    """Differences of (K, rows, columns) along columns and rows; all that matters is their direction."""
    across, down = np.empty_like(planes), np.empty_like(planes)
    across[:, :, 1:-1] = (planes[:, :, 2:] - planes[:, :, :-2]) / 2
    across[:, :, 0], across[:, :, -1] = planes[:, :, 1] - planes[:, :, 0], planes[:, :, -1] - planes[:, :, -2]
    down[:, 1:-1] = (planes[:, 2:] - planes[:, :-2]) / 2
    down[:, 0], down[:, -1] = planes[:, 1] - planes[:, 0], planes[:, -1] - planes[:, -2]
    return across, down


def _crumpled(depth: float, seed: int) -> Array:
    rng = np.random.default_rng([seed, 11])
    v, u = np.mgrid[0 : 1 : ROWS * 1j, -1 : 1 : COLUMNS * 1j]
    wave = np.zeros((ROWS, COLUMNS))
    for _ in range(5):
        a, b, phase = rng.uniform(-6, 6), rng.uniform(-8, 8), rng.uniform(0, 2 * np.pi)
        wave += np.sin(a * u + b * v + phase)
    return np.asarray(wave[:, :, None] * np.array([0.15, 0.15, 0.6]) * depth / 3)
