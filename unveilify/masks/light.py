"""Take over the light of a photo: shading, colour cast, blur and grain; throw a contact shadow."""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, erf, floor, sqrt
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from unveilify.core.records import Image
from unveilify.masks._head import relief
from unveilify.masks.fit import Head, Places, place
from unveilify.masks.pixels import Array, Bools, Floats, Reals, blurred, look_up
from unveilify.masks.recipe import Light

GAMMA = 2.2
_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
_SKIN = np.array([1.38, 0.93, 0.66], np.float32)  # linear R, G, B of skin over its luminance in neutral light
_SKIN_ALBEDO = 0.26
_CONTRAST = 1.4
_SHEEN = np.float32(0.045)


@dataclass(frozen=True, slots=True)
class Illumination:
    """The light around a face.

    ``level`` (3,): linear RGB of a white thing that faces the viewer. ``ambient`` + ``slope`` · normal: the
    shading relative to that, first-order spherical harmonics. ``blur``: the photo's own, Gaussian sigma in pixels.
    ``grain``: standard deviation of its noise, 0…1. ``skin`` (3,): linear RGB of the skin. ``hues``: 0 in a photo
    of one hue only (black-and-white, sepia), where a mask has no colour of its own either, 1 in others.
    """

    level: Floats
    ambient: float
    slope: Array
    blur: float
    grain: float
    skin: Floats
    hues: float = 1.0


_UNKNOWN = Illumination(np.full(3, 0.6, np.float32), 1.0, np.zeros(3), 0.6, 0.0, np.full(3, 0.25, np.float32))


def measure(image: Image, head: Head) -> Illumination:
    """Estimate the illumination of one face of an RGB picture from the picture alone."""
    patch, offset = _around(image, head)
    if min(patch.shape[:2]) < 8:
        return _UNKNOWN
    shrink = max(1.0, head.scale / 24)  # shading is smooth: 24 px between the eyes are plenty
    size = (max(4, round(patch.shape[1] / shrink)), max(4, round(patch.shape[0] / shrink)))
    half = (patch.shape[1] // 2, patch.shape[0] // 2)  # in two steps, because halving is quick
    larger = cv2.resize(patch, half, interpolation=cv2.INTER_AREA) if shrink >= 2 else patch
    small = cv2.resize(larger, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    small *= np.float32(1 / 255)
    smooth = blurred(small, max(0.6, 0.05 * head.scale / shrink))
    places, normals = _face_samples()
    seen = place(head, places)[:, :2]
    at = (seen - offset + 0.5) / shrink - 0.5
    facing = normals @ head.rotation.T
    within: Bools = np.minimum(at, np.array(size) - 1 - at).min(1) > 0
    inside = within & (facing[:, 2] > 0.15)
    inside = inside if np.count_nonzero(inside) >= 12 else within
    if np.count_nonzero(inside) < 12:
        return _UNKNOWN
    at = at[inside]
    colour = look_up(smooth, at[:, None, 0], at[:, None, 1])[:, 0] ** np.float32(GAMMA)
    luma = (colour @ _LUMA).astype(np.float64)
    ambient, slope, front = _harmonics(facing[inside], luma)
    surround = smooth[::2, ::2].reshape(-1, 3) ** np.float32(GAMMA)  # as smooth as it is, a quarter says the same
    white = _quantile(surround @ _LUMA, 0.97)
    level = float(np.clip(front / _SKIN_ALBEDO, 0.9 * white, 1.35 * white))
    hues, tint = _hues(small[1::3, 1::3].reshape(-1, 3))
    cast = _cast(colour, luma, surround) if hues > 0 else tint
    grey = np.asarray(cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY), np.uint8)
    blur, grain = _blur(grey, head.scale), _grain(grey)
    return Illumination(
        np.float32(np.clip(level, 0.02, 1.3)) * cast, ambient, slope, blur, grain, _median(colour), hues
    )


def shade(rgb: Reals, normals: Reals, light: Illumination, settings: Light) -> Floats:
    """Light a surface: ``rgb`` (..., 3) sRGB-coded colour, ``normals`` (..., 3) in the picture's axes."""
    return shaded(rgb, normals @ light.slope.astype(np.float32), light, settings)


def shaded(rgb: Reals, turned: Reals, light: Illumination, settings: Light) -> Floats:
    """As `shade`, from how far the surface turns to the light (...), normals · slope."""
    if not turned.size:  # nothing of the surface is inside the picture
        return np.zeros_like(rgb, np.float32)
    amount = np.clip(turned + np.float32(light.ambient), np.float32(0.15), np.float32(1.9)).reshape(1, -1)
    amount = cv2.pow(amount.astype(np.float32), float(settings.shading) / GAMMA)
    neutral = np.float32(light.level @ _LUMA)
    level = (
        neutral
        * (light.level / neutral) ** np.float32(settings.cast if light.hues else 1.0)
        * np.float32(settings.gain)
    )
    coded = (level ** np.float32(1 / GAMMA)).astype(np.float32)
    if light.hues < 1:
        grey = (rgb @ _LUMA)[..., None]
        rgb = grey + np.float32(light.hues) * (rgb - grey)
    # fibres scatter a little white light whatever their dye: without it black cloth would show no folds
    glow = np.square(np.square(amount)) * _SHEEN
    lit = rgb * cv2.merge([amount * c for c in coded]).reshape(rgb.shape)
    lit += cv2.merge([glow * c for c in coded]).reshape(rgb.shape)
    return _shoulder(lit)


def contact_shadow(alpha: Floats, skin: Floats, light: Illumination, strength: float, scale: float) -> Floats:
    """Darkness 0…1 that a layer (``alpha``) throws on the skin around it; ``scale`` in the layer's pixels.

    The result is as large as ``skin`` (0…1): as the layer, or at half its size.
    """
    shrink = 1 if alpha.shape == skin.shape else 2
    lean = np.clip(light.slope[:2] * -1.5, -1, 1) * 0.035 * scale
    down = lean + np.array([0.0, 0.02 * scale])
    down[1] = max(down[1], 0.01 * scale)
    # bilinear between two pixels is their mean, so half a pixel off halves the size without aliasing
    source = np.array([[shrink, 0, (shrink - 1) / 2 - down[0]], [0, shrink, (shrink - 1) / 2 - down[1]]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = np.asarray(cv2.warpAffine(alpha, source, skin.shape[::-1], flags=flags), np.float32)
    near = blurred(moved, max(0.5, 0.022 * scale / shrink))
    wide = blurred(moved, max(0.8 / shrink, 0.055 * scale / shrink))
    dark = np.float32(strength) * (np.float32(0.6) * near + np.float32(0.4) * wide) * skin
    # what is not visible is not part of the overlay: the hole stays small
    return np.asarray(np.maximum(dark - np.float32(0.012), 0) * np.float32(1 / 0.988), np.float32)


@lru_cache(maxsize=1)
def _face_samples() -> tuple[Places, Array]:
    """Places of bare skin, and the mean head's normals there."""
    y, x = np.mgrid[-0.5:1.6:18j, -0.95:0.95:17j]
    eye = (np.abs(np.abs(x) - 0.5) < 0.33) & (np.abs(y) < 0.16)
    brow = (np.abs(y + 0.3) < 0.1) & (np.abs(x) > 0.15)
    mouth = (np.abs(x) < 0.45) & (np.abs(y - 1.05) < 0.2)
    keep = ~(eye | brow | mouth) & ((np.abs(x) / 0.98) ** 2 + ((y - 0.4) / 1.3) ** 2 < 1)
    d = 0.06
    normal = np.stack(
        [(relief(x - d, y) - relief(x + d, y)) / (2 * d), (relief(x, y - d) - relief(x, y + d)) / (2 * d), 0 * x + 1],
        -1,
    )
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    return Places(np.stack([x, y, relief(x, y)], -1)[keep]), normal[keep]


_CENTRE = Places(np.array([[0.0, 0.6, 0.2]]))


def _around(image: Image, head: Head) -> tuple[Image, Array]:
    """The part of the picture around the face, and where it begins."""
    height, width = image.shape[:2]
    reach = 2.2 * head.scale
    x, y = place(head, _CENTRE)[0, :2]
    left, top = (max(0, min(floor(at - reach), end)) for at, end in ((x, width), (y, height)))
    right, bottom = (max(0, min(ceil(at + reach), end)) for at, end in ((x, width), (y, height)))
    return image[top:bottom, left:right], np.array([left, top], np.float64)


def _harmonics(normals: Array, luma: Array) -> tuple[float, Array, float]:
    """Robust ridge fit of luminance = a + b · n; returned relative to its value at n towards the viewer."""
    design = np.column_stack([np.ones(len(normals)), normals])
    weight = np.ones(len(luma))
    mean = luma.mean() + 1e-4
    ridge = np.diag([1e-3, 0.06, 0.06, 0.12]) * len(luma)
    found = np.zeros(4)
    for _ in range(4):
        prior = np.array([0.75, 0.0, -0.1, 0.25]) * mean  # lit from above and in front, as most faces are
        found = prior + np.linalg.solve(
            design.T @ (weight[:, None] * design) + ridge, design.T @ (weight * (luma - design @ prior))
        )
        miss = np.abs(luma - design @ found) / (0.18 * mean)
        weight = 1 / (1 + miss**2)
    front = max(float(found[0] + found[3]), 0.25 * mean, 1e-3)
    slope = _CONTRAST * found[1:] / front  # skin shows less of it than cloth: it glows from inside
    length = float(np.linalg.norm(slope))
    slope = slope * min(1.0, 0.9 / max(length, 1e-6))
    return float(1 - slope[2]), slope, front


def _hues(pixels: Floats) -> tuple[float, Floats]:
    """How many hues a picture, (N, 3) sRGB 0…1, has, 0 (one only) … 1, and the linear tint of that one."""
    luma = pixels @ _LUMA
    pixels = pixels[(luma > 0.12) & (luma < 0.95)]
    if len(pixels) < 16:
        return 1.0, np.ones(3, np.float32)
    shares = pixels / (pixels @ np.ones((3, 1), np.float32))
    mean = shares.mean(0)
    shares -= mean
    spread = float(np.sqrt(np.einsum("ij,ij->j", shares, shares).max() / len(shares)))
    tint = mean ** np.float32(GAMMA)
    return float(np.clip(spread / 0.012 - 0.5, 0, 1)), np.asarray(tint / (tint @ _LUMA), np.float32)


def _cast(skin: Floats, luma: Array, surround: Floats) -> Floats:
    """Colour of the light, luminance 1, from skin and surroundings (N, 3), each trusted only a little."""
    typical = _median(skin / (luma[:, None] + 1e-4)) / _SKIN
    around = surround.mean(0)
    around = around / (around @ _LUMA + 1e-4)
    cast = np.clip(typical, 0.6, 1.6) ** 0.12 * np.clip(around, 0.6, 1.6) ** 0.12
    return np.asarray(cast / (cast @ _LUMA), np.float32)


@lru_cache(maxsize=1)
def _edge_table() -> tuple[Array, Array]:
    """Ratio of the energies in two fine frequency bands for a step edge, against the edge's own blur sigma."""
    x = np.arange(-20, 20, 0.25)
    sigmas = np.linspace(0.3, 4, 38)

    def edge(sigma: float) -> Array:
        return np.array([0.5 + 0.5 * erf(v / (sigma * sqrt(2))) for v in x])

    ratios = []
    for s in sigmas:
        e0, e1, e2 = edge(s), edge(sqrt(s * s + 1)), edge(sqrt(s * s + 4))
        ratios.append(((e0 - e1) ** 2).sum() / ((e1 - e2) ** 2).sum())
    return sigmas, np.array(ratios)


def _blur(grey: Image, scale: float) -> float:
    """Blur of the strongest edges of a grey picture, as the sigma of a Gaussian that makes them out of steps."""
    if min(grey.shape) > 160:  # the middle is enough
        h, w = (n // 2 for n in grey.shape)
        grey = grey[h - 80 : h + 80, w - 80 : w + 80]
    sharp = grey.astype(np.float32)
    once, twice = blurred(sharp, 1.0), blurred(sharp, 2.0)
    fine, coarse = np.square(sharp - once), np.square(once - twice)
    strong = (coarse > _quantile(coarse[::2, ::2], 0.97)).view(np.uint8)
    ratio = cv2.mean(fine, strong)[0] / (cv2.mean(coarse, strong)[0] + 1e-6)
    sigmas, ratios = _edge_table()
    sigma = float(np.interp(-ratio, -ratios, sigmas))
    return float(np.clip(sigma, 0.4, max(0.5, 0.05 * scale)))


def _grain(grey: Image) -> float:
    """Noise standard deviation 0…1 (Immerkær 1996), from the smoother half of every other pixel."""
    wide = grey.astype(np.int16)
    down = wide[:-2:2] - 2 * wide[1:-1:2] + wide[2::2]
    bent = np.abs(down[:, :-2:2] - 2 * down[:, 1:-1:2] + down[:, 2::2])
    return float(np.clip(_quantile(bent, 0.4) / (0.524 * 6) / 255, 0, 0.03))


def _quantile(values: npt.NDArray[Any], share: float) -> float:
    """As np.quantile without interpolation, several times as fast."""
    place = int(share * (values.size - 1))
    return float(np.partition(values, place, axis=None)[place])


def _median(values: Reals) -> Floats:
    """Of the columns, as np.median, several times as fast."""
    ranked, count = np.sort(values, axis=0), len(values)
    return np.asarray((ranked[(count - 1) // 2] + ranked[count // 2]) / 2, np.float32)


def _shoulder(x: Reals) -> Floats:
    """Identity up to 0.8, then a soft approach to 1, as cameras do with highlights."""
    over = np.maximum(x - np.float32(0.8), 0)
    return np.asarray(np.minimum(x, np.float32(0.8)) + over / (1 + over * np.float32(5)), np.float32)
