"""The layers of a mask, each as premultiplied RGBA: the cloth and its straps."""

from dataclasses import dataclass
from types import ModuleType

import cv2
import numpy as np

from unveilify.core.records import Image
from unveilify.masks import light as lighting
from unveilify.masks._photo import under_hair
from unveilify.masks._pixels import Array, Floats, Ints, look_up, merged, resized
from unveilify.masks._surface import Surface
from unveilify.masks.fit import Head
from unveilify.masks.raster import grid_triangles, raster
from unveilify.masks.recipe import Recipe
from unveilify.masks.straps import Ribbon
from unveilify.masks.styles._sheet import Sheet

_SHEET_PX = (48, 1400)


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
    turned = (mask.normals @ scene.head.rotation.T).astype(np.float32)
    triangles, folded = _visible(placed)
    stride = 2 if scene.head.scale >= 36 and not folded else 1
    x, y, seen, sheet = _lay(style, params, placed, triangles, scene.shape, stride)
    height, width = sheet.alpha.shape
    rows, columns = turned.shape[:2]
    normals = look_up(turned, (x + 0.5) * ((columns - 1) / width), (y + 0.5) * ((rows - 1) / height))
    rgb = look_up(sheet.rgb, x, y)
    alpha = look_up(sheet.alpha, x, y) * seen
    high = look_up(sheet.height, x, y)
    bent = _bent(normals, high * np.float32(scene.head.scale), seen)
    lit = lighting.shade(rgb, bent, scene.light, scene.recipe.light)
    return merged(lit * alpha[..., None], alpha)


def sticker(style: ModuleType, params: object, mask: Surface, placed: Array, scene: Scene) -> Floats:
    """A flat drawing laid on by the one homography that fits its outline best; hard edge, no light."""
    points = mask.points
    drawn, shown = points[[0, -1], :, :2].reshape(-1, 2), placed[[0, -1], :, :2].reshape(-1, 2)
    homography, _ = cv2.findHomography(drawn, shown, 0)
    flat = cv2.perspectiveTransform(points[None, :, :, :2].reshape(1, -1, 2), homography).reshape(*points.shape[:2], 2)
    laid = np.dstack([flat, np.zeros(points.shape[:2])])
    x, y, seen, sheet = _lay(style, params, laid, grid_triangles(*points.shape[:2]), scene.shape, 1)
    return merged(look_up(sheet.rgb, x, y) * seen[..., None], seen)


def bands(loops: list[Ribbon], placed: Array, scene: Scene) -> Floats:
    """All straps, (height, width, 4): ribbons a little wider than the strap, thinned to it by their alpha.

    ``placed`` (M, N, 3): the middle lines of the M ribbons in the scene's pixels.
    """
    layer = np.zeros((*scene.shape, 4), np.float32)
    if not loops:
        return layer
    number, count = placed.shape[:2]
    lines = np.stack([ribbon.line for ribbon in loops])
    colours = np.array([ribbon.strap.colour for ribbon in loops])
    half = np.maximum(np.array([ribbon.strap.width for ribbon in loops]) * scene.head.scale / 2, 0.05)
    along = np.gradient(placed[:, :, :2], axis=1)
    side = np.stack([-along[:, :, 1], along[:, :, 0]], -1)
    side /= np.maximum(np.sqrt((side * side).sum(2, keepdims=True)), 1e-6)
    normals = _outward(lines) @ scene.head.rotation.T
    shown = np.stack([ribbon.shown for ribbon in loops]) * np.clip(normals[:, :, 2] / 0.25 + 0.4, 0, 1)
    shown *= under_hair(scene.image, placed + scene.origin, scene.light.skin, lines[:, :, 0])
    vertices = np.repeat(placed[:, None], 2, 1)
    values = np.zeros((number, 2, count, 9))
    for row, sign in enumerate((-1.0, 1.0)):
        vertices[:, row, :, :2] += sign * (half + 1.5)[:, None, None] * side
        values[:, row, :, 0] = sign * (half + 1.5)[:, None]
    values[..., 1], values[..., 2] = half[:, None, None], shown[:, None]
    values[..., 3:6], values[..., 6:9] = normals[:, None], colours[:, None, None]
    triangles = grid_triangles(2, count) + 2 * count * np.arange(number)[:, None, None]
    maps, seen = raster(vertices.reshape(-1, 3), triangles.reshape(-1, 3), values.reshape(-1, 9), scene.shape)
    at = maps[seen]  # few pixels: only these are worked on
    across, half_at = np.abs(at[:, 0]), at[:, 1]
    alpha = np.clip(half_at + 0.5 - across, 0, np.minimum(1, 2 * half_at)) * at[:, 2]
    rounding = 1 - 0.25 * np.clip(across / np.maximum(half_at, 0.5), 0, 1) ** 2
    lit = lighting.shade(at[:, 6:9] * rounding[:, None], at[:, 3:6], scene.light, scene.recipe.light)
    layer[seen] = np.column_stack([lit * alpha[:, None], alpha])
    return layer


def over(below: Floats, above: Floats) -> None:
    """Lay premultiplied ``above`` over ``below``, in place."""
    below *= 1 - above[:, :, 3:]
    below += above


def _lay(
    style: ModuleType, params: object, placed: Array, triangles: Ints, shape: tuple[int, int], stride: int
) -> tuple[Floats, Floats, Floats, Sheet]:
    """Where on the sheet each pixel looks (x, y), how much it sees of it (0…1), and the sheet.

    Only every ``stride``-th pixel is traced; the rest lies between, because the surface is smooth.
    """
    rows, columns = placed.shape[:2]
    width, height = _sheet_size(placed)
    v, u = np.mgrid[0 : 1 : rows * 1j, 0 : 1 : columns * 1j]
    values = np.dstack([u * width - 0.5, v * height - 0.5, np.ones_like(u)])
    traced = placed.copy()
    traced[:, :, :2] = (traced[:, :, :2] + 0.5) / stride - 0.5
    small = -(-shape[0] // stride), -(-shape[1] // stride)
    maps, _ = raster(traced.reshape(-1, 3), triangles, values.reshape(-1, 3), small, backs=True)
    if stride > 1:
        maps = resized(maps, (small[1] * stride, small[0] * stride), cv2.INTER_LINEAR)[: shape[0], : shape[1]]
    weight = maps[:, :, 2]
    inverse = 1 / np.maximum(weight, np.float32(1e-3))
    seen = np.clip((weight - np.float32(0.5)) * stride + np.float32(0.5), 0, 1)
    x, y = (np.asarray(maps[:, :, k] * inverse, np.float32) for k in (0, 1))
    return x, y, np.asarray(seen, np.float32), style.texture(params, width, height)


def _visible(placed: Array) -> tuple[Ints, bool]:
    """The triangles to draw, and whether the surface turns its back somewhere, so that its outline is a fold.

    What turns its back is hidden by the head, but for triangles between two that do not: without them the fold's
    outline would be a saw.
    """
    triangles = grid_triangles(*placed.shape[:2])
    a, b, c = np.moveaxis(placed[:, :, :2].reshape(-1, 2)[triangles], 1, 0)
    front = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) > (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    if front.all():
        return triangles, False
    touched = np.zeros(placed.shape[0] * placed.shape[1], bool)
    touched[triangles[front]] = True
    return triangles[front | touched[triangles].all(1)], True


def _sheet_size(placed: Array) -> tuple[int, int]:
    """Width and height of the flat sheet so that one of its pixels is about one of the picture's."""
    across = np.linalg.norm(np.diff(placed[:, :, :2], axis=1), axis=2).sum(1).max()
    down = np.linalg.norm(np.diff(placed[:, :, :2], axis=0), axis=2).sum(0).max()
    low, high = _SHEET_PX
    return int(np.clip(np.ceil(across), low, high)), int(np.clip(np.ceil(down), low, high))


def _bent(normals: Floats, height: Floats, seen: Floats) -> Floats:
    """Normals of the surface with its relief; ``height`` in pixels."""
    slope_x = cv2.Sobel(height, cv2.CV_32F, 1, 0, ksize=3, scale=0.125)
    slope_y = cv2.Sobel(height, cv2.CV_32F, 0, 1, ksize=3, scale=0.125)
    inner = cv2.erode((seen > 0.99).view(np.uint8), np.ones((3, 3), np.uint8), borderType=cv2.BORDER_REPLICATE)
    x = normals[:, :, 0] - slope_x * inner
    y = normals[:, :, 1] - slope_y * inner
    z = normals[:, :, 2]
    inverse = 1 / np.sqrt(np.maximum(x * x + y * y + z * z, 1e-9))
    return np.asarray(cv2.merge([x * inverse, y * inverse, z * inverse]), np.float32)


def _outward(points: Array) -> Array:
    """Where the head's side faces at canonical points, as if it were an ellipsoid."""
    away = (points - np.array([0.0, 0.5, -1.3])) / np.array([1.25, 2.0, 1.6]) ** 2
    return np.asarray(away / np.linalg.norm(away, axis=-1, keepdims=True))
