"""What fabrics do: crease, gather, show their threads, carry patterns, seams, letters and valves."""

from math import cos, exp, sin

import cv2
import numpy as np

from unveilify.masks.pixels import Floats, Reals, resized
from unveilify.masks.sheet import Colour, coordinates, line, noise, paint, step

PATTERNS = ("stripes", "gingham", "dots", "floral", "camouflage", "heather", "bands", "marble")


def coarse(width: int, height: int, limit: int) -> tuple[int, int]:
    """A smaller (width, height) of the same shape, at most ``limit`` wide: folds are smooth and can be enlarged."""
    shrink = max(1.0, width / limit)
    return max(8, round(width / shrink)), max(8, round(height / shrink))


def enlarge(small: Reals, width: int, height: int) -> Floats:
    """Bring a coarse map to full size."""
    if small.shape == (height, width):
        return small
    return resized(small, (width, height))


def creases(rng: np.random.Generator, width: int, height: int, count: int, depth: float) -> Floats:
    """Relief of ``count`` sharp creases of random place, direction and length; ``depth`` as Sheet.height."""
    w, h = coarse(width, height, 110)
    u, v = coordinates(w, h)
    total = np.zeros((h, w), np.float32)
    for _ in range(count):
        cu, cv, angle = rng.uniform(-0.95, 0.95), rng.uniform(0.08, 0.92), rng.normal(0, 0.7)
        thick = 0.018 * exp(rng.uniform(0, 1.9))
        length, bend = rng.uniform(0.15, 0.4) + 2 * thick, rng.normal(0, 0.5)
        high = depth * (thick / 0.04) * rng.uniform(0.3, 1.0) * (-1.0, 1.0)[int(rng.integers(2))]  # broad: deeper
        across, up = cos(angle), sin(angle)
        reach = 1.7 * length, 3 * thick + abs(bend) * length * length
        reach_u = reach[0] * abs(across) + reach[1] * abs(up) + 0.02
        reach_v = (reach[0] * abs(up) + reach[1] * abs(across) + 0.02) / 1.3
        rows, columns = span(cv - reach_v, cv + reach_v, h), span((cu - reach_u + 1) / 2, (cu + reach_u + 1) / 2, w)
        x, y = u[:, columns] - np.float32(cu), (v[rows] - np.float32(cv)) * np.float32(1.3)
        along = x * np.float32(across) + y * np.float32(up)
        off = y * np.float32(across) - x * np.float32(up)
        along *= along
        off -= np.float32(bend) * along
        np.abs(off, out=off)
        off *= np.float32(-1 / thick)
        along *= np.float32(1 / length**2)
        off -= along
        np.exp(off, out=off)
        off *= np.float32(1.5 * high)
        total[rows, columns] += off
    return enlarge(total, width, height)


def span(low: float, high: float, count: int) -> slice:
    """The part of ``count`` pixels that lies between two shares of the whole."""
    return slice(max(0, int(low * count)), max(0, min(count, int(high * count) + 2)))


def gathers(rng: np.random.Generator, width: int, height: int, count: float, depth: float) -> Floats:
    """Folds that run inwards from both sides, where loops gather the cloth."""
    w, h = coarse(width, height, 64)
    u, v = coordinates(w, h)
    total = np.zeros((h, w), np.float32)
    for side in (-1.0, 1.0):
        inward = 1 - np.float32(side) * u
        reach = rng.uniform(0.2, 0.5)
        drift = rng.normal(0, 0.25)
        phase = noise(rng, (h, w), (3, 2), 1) * 1.6
        fan = (v - np.float32(0.5)) / (1 + 0.5 * inward) + np.float32(drift) * inward * np.float32(0.2)
        wave = np.sin(fan * np.float32(count * 2 * np.pi) + phase)
        total += np.float32(depth) * wave * np.exp(-((inward * np.float32(1 / reach)) ** 2))
    return enlarge(total, width, height)


def weave(width: int, height: int, threads: float, aspect: float) -> Floats:
    """Brightness of a plain weave, about -1…1; it vanishes where the pixels are too coarse to show it."""
    u, v = coordinates(width, height)
    shown = np.clip((width / threads - 2.2) / 2.0, 0, 1)
    if not shown:
        return np.zeros((height, width), np.float32)
    across = np.sin(u * np.float32(np.pi * threads))
    down = np.sin(v * np.float32(2 * np.pi * threads / 2 * aspect))
    return np.asarray(across * down * np.float32(shown), np.float32)


def stitches(x: Reals, at: float, along: Reals, pitch: float, width: float) -> Floats:
    """A row of stitches: dashes of ``pitch`` along a line at ``x == at``."""
    dash = np.clip(np.sin(along * np.float32(2 * np.pi / pitch)) * 2, 0, 1)
    return np.asarray(line(x, at, width) * dash, np.float32)


def letters(width: int, height: int, text: str, place: tuple[float, float], size: float, slant: float) -> Floats:
    """Ink 0…1 of a printed line of text; ``place`` is its middle as (u, v), ``size`` its height in v."""
    over = 2
    canvas = np.zeros((height * over, width * over), np.uint8)
    scale = size * height * over / 22
    thick = max(1, round(scale * 2))
    (wide, high), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, thick)
    x, y = (place[0] + 1) / 2 * width * over, place[1] * height * over
    cv2.putText(canvas, text, (int(x - wide / 2), int(y + high / 2)), cv2.FONT_HERSHEY_SIMPLEX, scale, 255, thick, 16)
    turn = cv2.getRotationMatrix2D((x, y), slant, 1.0)
    turned = cv2.warpAffine(canvas, turn, canvas.shape[::-1], flags=cv2.INTER_LINEAR)
    return resized(turned.astype(np.float32) / 255, (width, height), cv2.INTER_AREA)


def valve(
    width: int, height: int, place: tuple[float, float], radius: float, aspect: float
) -> tuple[Floats, Floats, Floats]:
    """A round exhalation valve: where it covers (0…1), its relief in units of its radius, its dark slits."""
    u, v = coordinates(width, height)
    x = (u - np.float32(place[0])) / np.float32(radius)
    y = (v - np.float32(place[1])) * np.float32(2 * aspect / radius)
    r = np.sqrt(x * x + y * y)
    cover = 1 - step(r, 1.0, 5.0 / width / radius)
    dome = np.clip(1 - r, 0, 0.22) * 2.0 + line(r, 0.72, 0.06) * 0.15
    slits = np.clip(np.sin(y * 14) - 0.2, 0, 1) * (1 - step(r, 0.62, 0.1)) + line(r, 1.0, 0.06) * 0.7
    return cover, np.asarray(dome * cover, np.float32), np.asarray(slits, np.float32)


def pattern(kind: str, seed: int, width: int, height: int, base: Colour) -> Floats:
    """(H, W, 3) colours of a printed or woven pattern over ``base``."""
    rng = np.random.default_rng(seed)
    u, v = coordinates(width, height)
    shape = (height, width)
    rgb = np.broadcast_to(np.asarray(base, np.float32), (*shape, 3)).astype(np.float32)
    inks = [_ink(rng, base) for _ in range(4)]
    soft = np.float32(6.0 / width)
    angle = rng.choice([0.0, np.pi / 2, np.pi / 4, -np.pi / 4]) + rng.normal(0, 0.06)
    x, y = u * np.float32(1.0), (v - np.float32(0.5)) * np.float32(1.4)
    p = x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle))
    q = y * np.float32(np.cos(angle)) - x * np.float32(np.sin(angle))
    pitch = rng.uniform(0.07, 0.3)
    if kind == "stripes":
        return paint(rgb, inks[0], _bar(p, pitch, rng.uniform(0.2, 0.6), soft) + np.zeros(shape, np.float32))
    if kind == "gingham":
        a, b = _bar(p, pitch, 0.5, soft), _bar(q, pitch, 0.5, soft)
        return paint(rgb, inks[0], 0.5 * (a + b))
    if kind == "dots":
        radius = np.hypot(np.mod(p, pitch) - pitch / 2, np.mod(q, pitch) - pitch / 2)
        return paint(rgb, inks[0], 1 - step(radius.astype(np.float32), pitch * rng.uniform(0.15, 0.35), float(soft)))
    if kind == "floral":
        return _flowers(rgb, rng, p + 0 * q, q + 0 * p, inks, float(soft))
    if kind == "bands":
        for k, ink in enumerate(inks[:3]):
            away = np.abs(q + np.zeros(shape, np.float32) - np.float32(-0.35 + 0.35 * k))
            rgb = paint(rgb, ink, 1 - step(away, rng.uniform(0.05, 0.16), float(soft)))
        return rgb
    cells = (rng.uniform(3, 7), rng.uniform(4, 10))
    if kind == "heather":
        return paint(rgb, inks[0], np.clip(noise(rng, shape, (60, 30), 2) * 0.35 + 0.2, 0, 0.6))
    if kind == "marble":
        veins = np.abs(np.sin(noise(rng, shape, cells, 3) * 4 + p * 4))
        return paint(paint(rgb, inks[0], 1 - step(veins, 0.3, 0.4)), inks[1], 1 - step(veins, 0.12, 0.15))
    for ink in inks[:3]:  # camouflage
        rgb = paint(rgb, ink, step(noise(rng, shape, cells, 2), rng.uniform(0.1, 0.45), 0.05))
    return rgb


def _bar(x: Reals, pitch: float, share: float, soft: np.float32) -> Floats:
    t = np.abs(np.mod(x, np.float32(pitch)) - np.float32(pitch / 2))
    return 1 - step(t, pitch * share / 2, float(soft))


def _ink(rng: np.random.Generator, base: Colour) -> Colour:
    """A colour that can be told from ``base``."""
    for _ in range(8):
        ink = rng.choice([rng.uniform(0.05, 0.95, 3), np.full(3, rng.uniform(0.05, 0.95))])
        if np.abs(ink - np.array(base)).sum() > 0.7:
            break
    return float(ink[0]), float(ink[1]), float(ink[2])


def _flowers(rgb: Floats, rng: np.random.Generator, x: Floats, y: Floats, inks: list[Colour], soft: float) -> Floats:
    for _ in range(int(rng.integers(14, 40))):
        cx, cy, size = rng.uniform(-1, 1), rng.uniform(-0.7, 0.7), rng.uniform(0.05, 0.14)
        petals, turn = int(rng.integers(4, 8)), rng.uniform(0, 6)
        dx, dy = x - np.float32(cx), y - np.float32(cy)
        near = np.flatnonzero(np.abs(dx).min(0) < 1.6 * size)
        if not len(near):
            continue
        part = np.s_[:, near[0] : near[-1] + 1]
        r, phi = np.hypot(dx[part], dy[part]), np.arctan2(dy[part], dx[part])
        rim = np.float32(size) * (0.75 + 0.35 * np.cos(phi * petals + np.float32(turn)))
        rgb[part] = paint(rgb[part], inks[int(rng.integers(3))], 1 - step(r, rim, soft))
        rgb[part] = paint(rgb[part], inks[3], 1 - step(r, size * 0.3, soft))
    return rgb
