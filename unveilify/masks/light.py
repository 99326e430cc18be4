"""Take over the light of a photo: shading, colour cast, blur and grain; throw a contact shadow."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from unveilify.core.records import Image
from unveilify.masks._head import relief
from unveilify.masks._pixels import Array, Bools, Floats, Reals, blurred, look_up
from unveilify.masks.fit import Head, project
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
    small = cv2.resize(patch, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    linear = blurred(small, max(0.6, 0.05 * head.scale / shrink)) ** np.float32(GAMMA)
    points, normals = _face_samples()
    seen = project(head, points)
    at = (seen[:, :2] - offset + 0.5) / shrink - 0.5
    facing = normals @ head.rotation.T
    within: Bools = np.minimum(at, np.array(size) - 1 - at).min(1) > 0
    inside = within & (facing[:, 2] > 0.15)
    inside = inside if inside.sum() >= 12 else within
    if inside.sum() < 12:
        return _UNKNOWN
    colour = look_up(linear, at[inside, None, 0], at[inside, None, 1])[:, 0]
    luma = (colour @ _LUMA).astype(np.float64)
    ambient, slope, front = _harmonics(facing[inside], luma)
    white = _quantile(linear @ _LUMA, 0.97)
    level = float(np.clip(front / _SKIN_ALBEDO, 0.9 * white, 1.35 * white))
    hues, tint = _hues(small.astype(np.float32))
    cast = _cast(colour, luma, linear) if hues > 0 else tint
    blur, grain = _blur(patch, head.scale), _grain(patch)
    return Illumination(
        np.float32(np.clip(level, 0.02, 1.3)) * cast, ambient, slope, blur, grain, np.median(colour, axis=0), hues
    )


def shade(rgb: Reals, normals: Reals, light: Illumination, settings: Light) -> Floats:
    """Light a surface: ``rgb`` (..., 3) sRGB-coded colour, ``normals`` (..., 3) in the picture's axes."""
    amount = np.float32(light.ambient) + normals @ light.slope.astype(np.float32)
    if not amount.size:  # nothing of the surface is inside the picture
        return np.zeros_like(rgb, np.float32)
    amount = cv2.pow(np.clip(amount, 0.15, 1.9), float(settings.shading) / GAMMA)
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
    lit = (rgb * amount[..., None] + (_SHEEN * amount**4)[..., None]) * coded
    return _shoulder(lit)


def contact_shadow(alpha: Floats, skin: Floats, light: Illumination, strength: float, scale: float) -> Floats:
    """Darkness 0…1 that a layer (``alpha``) throws on the skin (0…1) around it; ``scale`` in pixels."""
    lean = np.clip(light.slope[:2] * -1.5, -1, 1) * 0.035 * scale
    down = np.array([0.0, 0.02 * scale])
    matrix = np.array([[1, 0, lean[0] + down[0]], [0, 1, max(lean[1], -0.01 * scale) + down[1]]])
    moved = np.asarray(cv2.warpAffine(alpha, matrix, alpha.shape[::-1], flags=cv2.INTER_LINEAR), np.float32)
    near = blurred(moved, max(0.5, 0.022 * scale))
    wide = blurred(moved, max(0.8, 0.055 * scale))
    dark = np.float32(strength) * (0.6 * near + 0.4 * wide) * skin
    # what is not visible is not part of the overlay: the hole stays small
    return np.asarray(np.maximum(dark - 0.012, 0) * np.float32(1 / 0.988), np.float32)


@lru_cache(maxsize=1)
def _face_samples() -> tuple[Array, Array]:
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
    return np.stack([x, y, relief(x, y)], -1)[keep], normal[keep]


def _around(image: Image, head: Head) -> tuple[Image, Array]:
    """The part of the picture around the face, and where it begins."""
    height, width = image.shape[:2]
    reach = 2.2 * head.scale
    centre = project(head, np.array([[0.0, 0.6, 0.2]]))[0, :2]
    low = np.clip(np.floor(centre - reach), 0, [width, height]).astype(int)
    high = np.clip(np.ceil(centre + reach), 0, [width, height]).astype(int)
    return image[low[1] : high[1], low[0] : high[0]], low.astype(np.float64)


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


def _hues(small: Floats) -> tuple[float, Floats]:
    """How many hues a picture (sRGB, 0…1) has, 0 (one only) … 1, and the linear tint of that one."""
    pixels = small[1::3, 1::3].reshape(-1, 3)
    luma = pixels @ _LUMA
    pixels = pixels[(luma > 0.12) & (luma < 0.95)]
    if len(pixels) < 16:
        return 1.0, np.ones(3, np.float32)
    shares = pixels / pixels.sum(1, keepdims=True)
    tint = shares.mean(0) ** np.float32(GAMMA)
    hues = float(np.clip(shares.std(0).max() / 0.012 - 0.5, 0, 1))
    return hues, np.asarray(tint / (tint @ _LUMA), np.float32)


def _cast(skin: Floats, luma: Array, surround: Floats) -> Floats:
    """Colour of the light, luminance 1, from skin and surroundings, each trusted only a little."""
    typical = np.median(skin / (luma[:, None] + 1e-4), axis=0) / _SKIN
    around = surround.reshape(-1, 3).mean(0)
    around = around / (around @ _LUMA + 1e-4)
    cast = np.clip(typical, 0.6, 1.6) ** 0.12 * np.clip(around, 0.6, 1.6) ** 0.12
    return np.asarray(cast / (cast @ _LUMA), np.float32)


@lru_cache(maxsize=1)
def _edge_table() -> tuple[Array, Array]:
    """Ratio of the energies in two fine frequency bands for a step edge, against the edge's own blur sigma."""
    from math import erf, sqrt

    x = np.arange(-20, 20, 0.25)
    sigmas = np.linspace(0.3, 4, 38)

    def edge(sigma: float) -> Array:
        return np.array([0.5 + 0.5 * erf(v / (sigma * sqrt(2))) for v in x])

    ratios = []
    for s in sigmas:
        e0, e1, e2 = edge(s), edge(sqrt(s * s + 1)), edge(sqrt(s * s + 4))
        ratios.append(((e0 - e1) ** 2).sum() / ((e1 - e2) ** 2).sum())
    return sigmas, np.array(ratios)


def _blur(patch: Image, scale: float) -> float:
    """Blur of the strongest edges, as the sigma of a Gaussian that makes them out of steps."""
    grey = cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY).astype(np.float32)
    if min(grey.shape) > 160:  # the middle is enough
        h, w = (n // 2 for n in grey.shape)
        grey = grey[h - 80 : h + 80, w - 80 : w + 80]
    once, twice = blurred(grey, 1.0), blurred(grey, 2.0)
    fine, coarse = (grey - once) ** 2, (once - twice) ** 2
    strong = coarse > _quantile(coarse, 0.97)
    ratio = float(fine[strong].sum() / (coarse[strong].sum() + 1e-6))
    sigmas, ratios = _edge_table()
    sigma = float(np.interp(-ratio, -ratios, sigmas))
    return float(np.clip(sigma, 0.4, max(0.5, 0.05 * scale)))


def _grain(patch: Image) -> float:
    """Noise standard deviation 0…1 (Immerkær 1996), from the smoother half of the pixels."""
    grey = cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY)
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    bent = np.abs(cv2.filter2D(grey, cv2.CV_32F, kernel)[::2, ::2])
    return float(np.clip(_quantile(bent, 0.4) / (0.524 * 6) / 255, 0, 0.03))


def _quantile(values: Reals, share: float) -> float:
    """As np.quantile without interpolation, several times as fast."""
    place = int(share * (values.size - 1))
    return float(np.partition(values, place, axis=None)[place])


def _shoulder(x: Reals) -> Floats:
    """Identity up to 0.8, then a soft approach to 1, as cameras do with highlights."""
    over = np.maximum(x - np.float32(0.8), 0)
    return np.asarray(np.minimum(x, np.float32(0.8)) + over / (1 + over * np.float32(5)), np.float32)
