"""The layers of a mask, each as premultiplied RGBA: the cloth and its straps."""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from types import ModuleType

import cv2
import numpy as np

from unveilify.core.raster import grid_triangles, hits, raster
from unveilify.core.records import Image
from unveilify.masks import light as lighting
from unveilify.masks._photo import under_hair
from unveilify.masks.fit import Head
from unveilify.masks.pixels import Array, Floats, Ints, blurred, channel, look_up, merged, resized
from unveilify.masks.recipe import Recipe
from unveilify.masks.sheet import Sheet
from unveilify.masks.straps import Ribbon
from unveilify.masks.surface import Surface

_SHEET_PX = (48, 1400)
_FOLD_BLUR = 0.8
_SQUARE = np.ones((3, 3), np.uint8)


@dataclass(frozen=True, slots=True)
class Scene:
    """The part of a picture that a mask touches: ``origin`` (x, y, 0) of the part and its ``shape`` (height, width)."""

    image: Image
    head: Head
    light: lighting.Illumination
    recipe: Recipe
    origin: Array
    shape: tuple[int, int]


def cloth(style: ModuleType, params: object, mask: Surface, placed: Array, scene: Scene) -> Floats:
    """The mask without its straps, (height, width, 4). ``placed``: the mask's points in the scene's pixels."""
    layer = np.zeros((*scene.shape, 4), np.float32)
    low = np.maximum(np.floor(placed[:, :, :2].min((0, 1))) - 2, 0).astype(int)
    high = np.maximum(np.ceil(placed[:, :, :2].max((0, 1))) + 3, 0).astype(int)
    part = layer[low[1] : high[1], low[0] : high[0]]
    if not part.size:
        return layer
    stride = max(1, min(round(scene.head.scale / 28), 4))
    placed = placed - np.array([low[0], low[1], 0.0])
    x, y, seen, squeezed, sheet = _lay(style, params, placed, part.shape[:2], stride)
    turned = _turned(mask, x, y, sheet, seen, scene)
    alpha = look_up(sheet.alpha, x, y, cv2.BORDER_CONSTANT) * seen
    lit = lighting.shaded(look_up(sheet.rgb, x, y), turned, scene.light, scene.recipe.light)
    np.multiply(cv2.merge([lit, np.ones_like(alpha)]), cv2.merge([alpha] * 4), out=part)
    if squeezed.any():  # what is seen edge-on would sparkle
        part += (blurred(part, 0.75) - part) * cv2.merge([squeezed] * 4)
    return layer


def sticker(style: ModuleType, params: object, mask: Surface, placed: Array, scene: Scene) -> Floats:
    """A flat drawing laid on by the one homography that fits its outline best; hard edge, no light."""
    points = mask.points
    drawn, shown = points[[0, -1], :, :2].reshape(-1, 2), placed[[0, -1], :, :2].reshape(-1, 2)
    homography, _ = cv2.findHomography(drawn, shown, 0)
    flat = cv2.perspectiveTransform(points[None, :, :, :2].reshape(1, -1, 2), homography).reshape(*points.shape[:2], 2)
    spread = np.dstack([flat, np.zeros(points.shape[:2])])
    x, y, seen, _, sheet = _lay(style, params, spread, scene.shape, 1, margin=False)
    return merged(look_up(sheet.rgb, x, y) * seen[..., None], seen)


def add_bands(layer: Floats, loops: list[Ribbon], placed: Array, scene: Scene) -> None:
    """Lay all straps under a premultiplied ``layer`` (height, width, 4), in place.

    They are ribbons a little wider than the strap, thinned to it by their alpha. ``placed`` (M, N, 3): the middle
    lines of the M ribbons in the scene's pixels.
    """
    if not loops:
        return
    number, count = placed.shape[:2]
    lines = np.stack([ribbon.line for ribbon in loops])
    colours = np.array([ribbon.strap.colour for ribbon in loops])
    half = np.maximum(np.array([ribbon.strap.width for ribbon in loops]) * scene.head.scale / 2, 0.05)
    along = np.empty((number, count, 2))
    along[:, 1:-1] = placed[:, 2:, :2] - placed[:, :-2, :2]
    along[:, 0], along[:, -1] = placed[:, 1, :2] - placed[:, 0, :2], placed[:, -1, :2] - placed[:, -2, :2]
    side = along[:, :, ::-1] * np.array([-1.0, 1.0])
    side /= np.maximum(np.sqrt((side * side).sum(2, keepdims=True)), 1e-6)
    normals = _outward(lines) @ scene.head.rotation.T
    shown = np.stack([ribbon.shown for ribbon in loops]) * np.clip(normals[:, :, 2] / 0.25 + 0.4, 0, 1)
    shown *= under_hair(scene.image, placed + scene.origin, scene.light.skin, lines[:, :, 0])
    vertices = np.repeat(placed[:, None], 2, 1)
    values = np.empty((number, 2, count, 7))
    for row, sign in enumerate((-1.0, 1.0)):
        vertices[:, row, :, :2] += sign * (half + 1.5)[:, None, None] * side
        values[:, row, :, 0] = sign * (half + 1.5)[:, None]
    values[..., 1], values[..., 2], values[..., 3] = (
        half[:, None, None],
        shown[:, None],
        (normals @ scene.light.slope)[:, None],
    )
    values[..., 4:] = colours[:, None, None]
    triangles = grid_triangles(2, count) + 2 * count * np.arange(number)[:, None, None]
    found = hits(vertices.reshape(-1, 3), triangles.reshape(-1, 3), scene.shape).last(scene.shape)
    if not len(found.pixel):
        return
    at = found.blend(values.reshape(-1, 7))
    across, half_at = np.abs(at[:, 0]), at[:, 1]
    alpha = np.clip(half_at + 0.5 - across, 0, np.minimum(1, 2 * half_at)) * at[:, 2]
    rounding = 1 - 0.25 * np.clip(across / np.maximum(half_at, 0.5), 0, 1) ** 2
    lit = lighting.shaded(at[:, 4:] * rounding[:, None], at[:, 3], scene.light, scene.recipe.light)
    flat = layer.reshape(-1, 4)
    above = flat[found.pixel]
    free = alpha * (1 - above[:, 3])
    above[:, :3] += lit * free[:, None]
    above[:, 3] += free
    flat[found.pixel] = above


def _lay(
    style: ModuleType, params: object, placed: Array, shape: tuple[int, int], stride: int, *, margin: bool = True
) -> tuple[Floats, Floats, Floats, Floats, Sheet]:
    """Where on the sheet each pixel looks (x, y), how much it sees of it and how edge-on (0…1), and the sheet.

    Only every ``stride``-th pixel is traced; the rest lies between, because the surface is smooth. A ``margin`` is
    laid around the sheet, so that its outline is where its own alpha ends.
    """
    width, height = _sheet_size(placed)
    values = _grid_places(*placed.shape[:2]) * np.array([1, width, height]) - np.array([0, 0.5, 0.5])
    grid = np.concatenate([placed, values], 2)
    grid[:, :, :2] = (grid[:, :, :2] + 0.5) / stride - 0.5
    if margin:
        grid = _widened(_widened(grid).transpose(1, 0, 2)).transpose(1, 0, 2)
    triangles, folded = _visible(grid)
    small = -(-shape[0] // stride), -(-shape[1] // stride)
    grid = grid.reshape(-1, 6)
    maps, _ = raster(grid[:, :3], triangles, grid[:, 3:], small, backs=True)
    seen = channel(maps, 0)
    if not margin:
        return (
            channel(maps, 1),
            channel(maps, 2),
            seen,
            np.zeros(shape, np.float32),
            style.texture(params, width, height),
        )
    inner = _eroded(seen)
    if folded:  # the outline of a fold follows the grid's cells, a saw: round it, and go on a little beyond it
        near = blurred(maps, _FOLD_BLUR)
        maps += np.float32(0.01) * near
        seen = channel(near, 0)
    weight, x, y = (channel(maps, k) for k in range(3))
    planes = [weight, x, y, seen, _squeezed(_over(x, weight), _over(y, weight), inner, stride)]
    if stride > 1:
        size = small[1] * stride, small[0] * stride
        planes = [resized(plane, size, cv2.INTER_LINEAR)[: shape[0], : shape[1]] for plane in planes]
    weight, x, y, seen, squeezed = planes
    x, y = _over(x, weight), _over(y, weight)
    steep = 2 * stride * (_FOLD_BLUR if folded else 1)
    seen = np.clip((seen - np.float32(0.5)) * np.float32(steep) + np.float32(0.5), 0, 1)
    return x, y, seen, squeezed, style.texture(params, width, height)


def _widened(grid: Array) -> Array:
    """A grid (rows, columns, K) that goes on above and below: half a cell, or two pixels where cells are narrow."""
    ends = []
    for edge, inner in ((grid[:1], grid[1:2]), (grid[-1:], grid[-2:-1])):
        step = edge - inner
        length = np.sqrt(step[:, :, :1] ** 2 + step[:, :, 1:2] ** 2)
        ends.append(edge + step * np.clip(2 / np.maximum(length, 1e-6), 0.5, 2))
    return np.concatenate([ends[0], grid, ends[1]])


@lru_cache(maxsize=4)
def _grid_places(rows: int, columns: int) -> Array:
    """(rows, columns, 3): 1 and the place on the sheet, 0…1, of each vertex of the grid."""
    v, u = np.mgrid[0 : 1 : rows * 1j, 0 : 1 : columns * 1j]
    return np.dstack([np.ones_like(u), u, v])


def _visible(placed: Array) -> tuple[Ints, bool]:
    """The triangles to draw, and whether the surface turns its back somewhere, so that its outline is a fold.

    What turns its back is hidden by the head, but for triangles between two that do not: without them the fold's
    outline would be a saw.
    """
    triangles = grid_triangles(*placed.shape[:2])
    points = placed[:, :, :2].reshape(-1, 2).T
    (ax, ay), (bx, by), (cx, cy) = (np.take(points, triangles[:, k], 1) for k in range(3))
    front = (bx - ax) * (cy - ay) >= (by - ay) * (cx - ax)
    if front.all():
        return triangles, False
    touched = np.zeros(placed.shape[0] * placed.shape[1], bool)
    touched[triangles[front]] = True
    return triangles[front | touched[triangles].all(1)], True


def _sheet_size(placed: Array) -> tuple[int, int]:
    """Width and height of the flat sheet so that one of its pixels is about one of the picture's."""
    flat = placed[:, :, :2]
    across, down = flat[:, 1:] - flat[:, :-1], flat[1:] - flat[:-1]
    wide = np.sqrt(np.einsum("ijk,ijk->ij", across, across)).sum(1).max()
    high = np.sqrt(np.einsum("ijk,ijk->ij", down, down)).sum(0).max()
    low, most = _SHEET_PX
    return min(max(ceil(wide), low), most), min(max(ceil(high), low), most)


def _squeezed(x: Floats, y: Floats, inner: Floats, stride: int) -> Floats:
    """How edge-on the sheet is seen: 0 where up to two of its pixels fall into one of the picture's, 1 from three on.

    ``inner``: 1 where all neighbours see it too.
    """
    steep = 0.125 / stride
    near = [cv2.Sobel(place, cv2.CV_32F, *axes, ksize=3, scale=steep) for place in (x, y) for axes in ((1, 0), (0, 1))]
    most = cv2.magnitude(cv2.magnitude(near[0], near[1]), cv2.magnitude(near[2], near[3]))
    return np.asarray(cv2.dilate(np.clip(most - np.float32(2), 0, 1) * inner, _SQUARE, iterations=2), np.float32)


def _over(values: Floats, weight: Floats) -> Floats:
    return np.asarray(values / np.maximum(weight, np.float32(1e-6)), np.float32)


def _eroded(seen: Floats) -> Floats:
    return np.asarray(cv2.erode(seen, _SQUARE, borderType=cv2.BORDER_REPLICATE), np.float32)


def _turned(mask: Surface, x: Floats, y: Floats, sheet: Sheet, seen: Floats, scene: Scene) -> Floats:
    """How far the surface with its relief turns to the light: the product of its unit normal and the light's slope."""
    normals = (mask.normals @ scene.head.rotation.T).astype(np.float32)
    rows, columns = normals.shape[:2]
    across, down = np.float32((columns - 1) / sheet.alpha.shape[1]), np.float32((rows - 1) / sheet.alpha.shape[0])
    at = look_up(normals, (x + np.float32(0.5)) * across, (y + np.float32(0.5)) * down)
    height, steep = look_up(sheet.height, x, y), 0.125 * scene.head.scale
    inner = _eroded((seen > 0.99).astype(np.float32))
    bent_x = channel(at, 0) - cv2.Sobel(height, cv2.CV_32F, 1, 0, ksize=3, scale=steep) * inner
    bent_y = channel(at, 1) - cv2.Sobel(height, cv2.CV_32F, 0, 1, ksize=3, scale=steep) * inner
    z = channel(at, 2)
    slope = scene.light.slope.astype(np.float32)
    length = np.sqrt(np.maximum(bent_x * bent_x + bent_y * bent_y + z * z, np.float32(1e-9)))
    return np.asarray((bent_x * slope[0] + bent_y * slope[1] + z * slope[2]) / length, np.float32)


def _outward(points: Array) -> Array:
    """Where the head's side faces at canonical points, as if it were an ellipsoid."""
    away = (points - np.array([0.0, 0.5, -1.3])) / np.array([1.25, 2.0, 1.6]) ** 2
    return np.asarray(away / np.linalg.norm(away, axis=-1, keepdims=True))
