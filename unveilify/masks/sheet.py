"""A mask's material, laid flat: what every style's ``texture`` returns, and brushes to paint it."""

from dataclasses import dataclass

import cv2
import numpy as np

from unveilify.masks.pixels import Floats, Reals, resized
from unveilify.masks.shares import pick

Colour = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A flat mask, from the picture's left (column 0) to the right and from the upper edge (row 0) down.

    ``rgb`` (H, W, 3): colour in neutral light, 0…1, sRGB-coded. ``alpha`` (H, W): 0…1, how opaque.
    ``height`` (H, W): relief in distances between the eyes.
    """

    rgb: Floats
    alpha: Floats
    height: Floats


def coordinates(width: int, height: int) -> tuple[Floats, Floats]:
    """u (1, W) from -1 to 1 and v (H, 1) from 0 to 1, at pixel centres."""
    u = (np.arange(width, dtype=np.float32) + 0.5) / width * 2 - 1
    v = (np.arange(height, dtype=np.float32) + 0.5) / height
    return u[None, :].astype(np.float32), v[:, None].astype(np.float32)


def step(x: Reals, edge: float | Reals, soft: float) -> Floats:
    """0 below ``edge``, 1 above it, smooth over ``soft``."""
    scale = np.float32(1 / max(soft, 1e-6))
    t = np.asarray((x - edge) * scale, np.float32)
    t += np.float32(0.5)
    np.clip(t, 0, 1, out=t)
    return t * t * (np.float32(3) - np.float32(2) * t)


def line(x: Reals, at: float | Reals, width: float) -> Floats:
    """A smooth ridge of height 1 around ``at``."""
    t = np.asarray((x - at) * np.float32(1 / width), np.float32)
    t *= -t
    return np.exp(t, out=t)


def noise(rng: np.random.Generator, shape: tuple[int, int], cells: tuple[float, float], octaves: int = 3) -> Floats:
    """Smooth noise, (H, W), about -1…1: ``cells`` bumps down and across, each octave twice as fine and half as high.

    It looks the same at every ``shape``: the random numbers do not hang on the number of pixels.
    """
    knots = []
    for octave in range(octaves):
        rows, columns = (max(2, round(c * 2**octave)) + 3 for c in cells)
        drawn = rng.standard_normal((rows, columns), np.float32)
        if rows <= 2 * shape[0] and columns <= 2 * shape[1]:
            knots.append(drawn * np.float32(0.6 * 0.5**octave))
    if not knots:
        return np.zeros(shape, np.float32)
    # smooth bumps need a smooth curve between knots; specks of two or three pixels do not
    rows, columns = knots[-1].shape
    if len(knots) > 1 and 6 * rows < shape[0] and 6 * columns < shape[1]:  # added up while they are small
        small = [resized(layer, (5 * columns, 5 * rows)) for layer in knots]
        return resized(np.add.reduce(small), shape[::-1])
    total = np.zeros(shape, np.float32)
    for layer in knots:
        total += resized(layer, shape[::-1], cv2.INTER_CUBIC if len(layer) * 3 < shape[0] else cv2.INTER_LINEAR)
    return total


def frame(width: int, height: int, inset: float = 0.02, corner: float = 0.06) -> Floats:
    """Alpha of a sheet that fills its frame but for a soft rim with round corners."""
    u, v = coordinates(width, height)
    aspect = height / width * 2  # v in units of u
    x = np.abs(u) - np.float32(1 - inset - corner)
    y = np.abs(v - np.float32(0.5)) * np.float32(aspect) - np.float32(0.5 * aspect - inset - corner)
    beyond_x, beyond_y = np.maximum(x, 0), np.maximum(y, 0)
    outside = np.sqrt(beyond_x * beyond_x + beyond_y * beyond_y) + np.minimum(np.maximum(x, y), 0) - np.float32(corner)
    return np.asarray(1 - step(outside, 0.0, 3.0 / width), np.float32)


def paint(rgb: Reals, colour: Colour, amount: Reals) -> Floats:
    """Mix ``colour`` into ``rgb`` (H, W, 3) where ``amount`` (H, W) says so."""
    share = cv2.merge([amount.astype(np.float32, copy=False)] * 3)
    return np.asarray(rgb + (np.array(colour, np.float32) - rgb) * share, np.float32)


def finish(colour: Floats | Colour, shape: tuple[int, int], dark: Reals, alpha: Reals, height: Reals) -> Sheet:
    """A sheet of one colour (or of (H, W, 3) colours), darkened where ``dark`` is above 0, lightened below."""
    left = np.broadcast_to(1 - np.clip(dark, np.float32(-0.3), np.float32(0.85)), shape).astype(np.float32)
    parts = [left * np.float32(c) for c in colour] if isinstance(colour, tuple) else [left] * 3
    rgb = np.asarray(cv2.merge(parts), np.float32)
    if not isinstance(colour, tuple):
        rgb *= colour
    np.clip(rgb, 0, 1, out=rgb)
    return Sheet(rgb, alpha.astype(np.float32, copy=False), height.astype(np.float32, copy=False))


def pick_colour(rng: np.random.Generator, palette: dict[str, Colour], shares: dict[str, float]) -> tuple[str, Colour]:
    """A named colour by its share, a little off; names beyond the palette stand for special finishes on white."""
    name = pick(shares, rng)
    base = np.array(palette.get(name, (0.9, 0.9, 0.9)))
    base = base * np.exp(rng.normal(0, 0.05)) + rng.normal(0, 0.015, 3)
    red, green, blue = (round(float(c), 3) for c in np.clip(base, 0.03, 0.97))
    return name, (red, green, blue)


def draw_number(rng: np.random.Generator, mean: float, spread: float) -> float:
    """A normal number kept within 2.5 spreads, rounded so that JSON holds it exactly."""
    return round(float(mean + spread * np.clip(rng.normal(), -2.5, 2.5)), 4)


def draw_between(rng: np.random.Generator, low: float, high: float) -> float:
    """A uniform number, rounded so that JSON holds it exactly."""
    return round(float(rng.uniform(low, high)), 4)
