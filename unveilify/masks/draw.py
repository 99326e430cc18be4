"""Draw one recipe on one face: fit, lay the sheet over it, light it, add straps and shadow, as one RGBA overlay."""

from dataclasses import dataclass

import cv2
import numpy as np

from unveilify.core.config import build
from unveilify.core.errors import PhotoError
from unveilify.core.landmarks import Landmarks
from unveilify.core.records import Image
from unveilify.masks._layers import Scene, add_bands, cloth, sticker
from unveilify.masks._photo import glasses, skin_area
from unveilify.masks.fit import Head, fit, project
from unveilify.masks.light import contact_shadow, measure
from unveilify.masks.pixels import Array, Floats, blurred, channel, resized
from unveilify.masks.recipe import Recipe
from unveilify.masks.straps import RIBBON_POINTS, ribbons
from unveilify.masks.style import find
from unveilify.masks.surface import surface

_FAINT = 2.5 / 255
"""Alpha below this is nothing: it would widen the hole by what nobody can see."""


FAILURES = (PhotoError, cv2.error, ValueError, ArithmeticError, IndexError, MemoryError)
"""What drawing on a face of another world ends in; whoever draws on many goes on with the next."""

LARGEST = 4
"""Eyes are never farther apart than this many times the picture's longer side; what is as large as a million pixels would
be drawn for ever."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """All that a mask adds to a picture: cloth, straps and shadow.

    ``rgba`` (H, W, 4), straight (not premultiplied) alpha, as large as the picture; the hole is where the alpha
    is above 0. ``box`` (x, y, width, height): outside of it there is nothing; None: that is not known.
    """

    rgba: Image
    box: tuple[int, int, int, int] | None = None

    @property
    def alpha(self) -> Image:
        """(H, W), 0…255."""
        return np.asarray(self.rgba[:, :, 3])

    @property
    def hole_share(self) -> float:
        """Share of the picture where the overlay changes anything, 0…1."""
        return float(np.count_nonzero(self.part[:, :, 3]) / self.alpha.size)

    @property
    def part(self) -> Image:
        """What of ``rgba`` lies in the box."""
        x, y, width, height = self.box or (0, 0, *self.rgba.shape[1::-1])
        return self.rgba[y : y + height, x : x + width]


def draw(image: Image, landmarks: Landmarks, recipe: Recipe) -> Overlay:
    """The overlay of ``recipe`` for the face at ``landmarks`` of an RGB picture: a pure function of the three.

    Raises:
        UserError: unknown style, parameters that are not the style's, or landmarks of no face, or of one beyond all size.
    """
    style = find(recipe.style)
    params = build(style.Params, recipe.params)
    head = fit(landmarks)
    if not head.scale < LARGEST * max(image.shape[:2]):
        raise PhotoError(
            "The landmarks make a face that is many times larger than the picture: give pixels of this picture."
        )
    cut = style.cut(params)
    mask = surface(cut, recipe.wear, recipe.seed)
    loops = [ribbon for strap in style.straps(params) for ribbon in ribbons(strap, mask, recipe.wear)]
    rgba = np.zeros((*image.shape[:2], 4), np.uint8)
    placed = project(head, np.vstack([mask.points.reshape(-1, 3), *(ribbon.line for ribbon in loops)]))
    box = _box(placed, head, image.shape)
    if box is None:
        return Overlay(rgba, (0, 0, 0, 0))
    (x, y), shape = box
    scene = Scene(image, head, measure(image, head), recipe, np.array([x, y, 0.0]), shape)
    placed -= scene.origin
    number = mask.points.size // 3
    grid, lines = placed[:number].reshape(mask.points.shape), placed[number:].reshape(-1, RIBBON_POINTS, 3)
    overlay = Overlay(rgba, (x, y, *shape[::-1]))
    part = overlay.part
    if cut.sticker:
        part[:] = np.rint(sticker(style, params, mask, grid, scene) * 255)
        return overlay
    layer = cloth(style, params, mask, grid, scene)
    add_bands(layer, loops, lines, scene)
    part[:] = _finish(layer, scene)
    return overlay


def _box(placed: Array, head: Head, shape: tuple[int, ...]) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Corner (x, y) and (height, width) of what may be touched, inside the picture; None outside of it."""
    margin = 3 + 0.15 * head.scale
    low = np.maximum(np.floor(placed[:, :2].min(0) - margin), 0).astype(int)
    high = np.minimum(np.ceil(placed[:, :2].max(0) + margin), [shape[1] - 1, shape[0] - 1]).astype(int)
    if (high - low < 1).any():
        return None
    return (int(low[0]), int(low[1])), (int(high[1] - low[1] + 1), int(high[0] - low[0] + 1))


def _finish(layer: Floats, scene: Scene) -> Image:
    """Blur as the photo is blurred, put the shadow under it, add grain; premultiplied RGBA to straight 8 bit."""
    settings, light, head = scene.recipe.light, scene.light, scene.head
    sigma = float(np.sqrt(max((light.blur * settings.blur) ** 2 - 0.35**2, 0.45**2)))
    layer = blurred(layer, sigma)
    rims = glasses(scene.image, head, scene.origin, scene.shape)
    if rims is not None:
        layer *= 1 - rims[..., None]
    alpha = channel(layer, 3)
    shadow = _shadow(alpha, scene) * (1 - alpha)
    total = alpha + (shadow if rims is None else shadow * (1 - rims))
    total *= total >= np.float32(_FAINT)
    share = np.maximum(total * total, np.float32(1e-8))
    np.divide(total, share, out=share)
    share *= np.float32(255)  # 255 / total, 0 where that is 0
    layer *= cv2.merge([share, share, share, np.zeros_like(share)])
    share *= alpha
    share *= _speckle(scene)
    total *= np.float32(255)
    return np.asarray(cv2.add(layer, cv2.merge([share, share, share, total]), dtype=cv2.CV_8U), np.uint8)


def _shadow(alpha: Floats, scene: Scene) -> Floats:
    """What the layer darkens around it, 0…1, worked out at half the size where that is enough."""
    head, shape = scene.head, scene.shape
    shrink = 2 if head.scale >= 36 else 1
    small = -(-shape[0] // shrink), -(-shape[1] // shrink)
    skin = skin_area(head, scene.origin, small, shrink)
    dark = contact_shadow(alpha, skin, scene.light, scene.recipe.light.shadow, head.scale)
    if shrink > 1:
        dark = resized(dark, (small[1] * shrink, small[0] * shrink), cv2.INTER_LINEAR)
    return dark[: shape[0], : shape[1]]


def _speckle(scene: Scene) -> Floats:
    """Noise like the photo's, (height, width); four bytes each, whose sum is nearly normal and quickly drawn."""
    height, width = scene.shape
    grain = scene.light.grain * scene.recipe.light.grain
    if grain <= 1e-3:
        return np.zeros(scene.shape, np.float32)
    rng = np.random.default_rng([scene.recipe.seed, 7])
    four = np.frombuffer(rng.bytes(4 * height * width), np.uint8).reshape(4, -1)
    total = cv2.reduce(four, 0, cv2.REDUCE_SUM, dtype=cv2.CV_32F).reshape(scene.shape)
    return (total - np.float32(510)) * np.float32(grain / 147.8)
