"""What is no mask: beards, scarves and hoods under it; hands, cups, microphones, glasses and hair over it.

Everything is drawn in a face crop's own measures: the eyes' places are known, the rest is where faces have it.
"""

from collections.abc import Callable, Iterator

import numpy as np

from unveilify.training.wild.layers import (
    IOD,
    Floats,
    Rng,
    any_colour,
    any_texture,
    ellipse,
    face_y,
    laid,
    polygon,
    skin,
    smooth_noise,
    softened,
    strokes,
)

Layer = tuple[Floats, Floats]
"""A colour (S, S, 3) in 0…255 and its opacity (S, S) in 0…1."""


def under_the_mask(face: Floats, rng: Rng, *, worn: bool) -> Layer:
    """The bare face (S, S, 3) with a beard, a scarf or a hood, and where a mask's straps are free of them, (S, S)."""
    free = np.ones(face.shape[:2], np.float32)
    if rng.random() < (0.08 if worn else 0.22):
        face = laid(face, *_beard(face, rng))
    if rng.random() < 0.18:
        face = laid(face, *_scarf(face, rng))
    if rng.random() < 0.07:
        colour, opacity = _hood(face, rng)
        face = laid(face, colour, opacity)
        if rng.random() < 0.6:
            free = 1 - opacity
    return face, free


OVER: tuple[tuple[Callable[[Floats, Rng], Layer], float, float], ...] = ()
"""What comes over a mask, how often without and with a mask; filled in below."""


def over_the_mask(face: Floats, rng: Rng, *, worn: bool) -> Iterator[Layer]:
    """What stands before mask and face, the farthest first."""
    for thing, without, with_mask in OVER:
        if rng.random() < (with_mask if worn else without):
            yield thing(face, rng)


def _beard(face: Floats, rng: Rng) -> Layer:
    side = len(face)
    chin, wide = face_y(rng.uniform(1.6, 2.3)), IOD * rng.uniform(0.8, 1.1)
    top = face_y(rng.uniform(0.3, 1.0))
    outline = [(0.5 - wide, top), (0.5 - 0.9 * wide, face_y(1.3)), (0.5 - 0.5 * wide, chin - 0.02), (0.5, chin)]
    outline += [(1 - x, y) for x, y in outline[-2::-1]]
    cheeks = face_y(rng.uniform(0.7, 0.95))
    outline += [(0.5 + 0.75 * wide, face_y(1.1)), (0.5 + 0.4 * wide, cheeks), (0.5 - 0.4 * wide, cheeks)]
    outline += [(0.5 - 0.75 * wide, face_y(1.1))]
    area = polygon(outline, side, 0.012)
    lips = polygon(ellipse(0.5, face_y(1.08), 0.09, rng.uniform(0.015, 0.035)), side, 0.006)
    hairs = np.abs(rng.standard_normal((side, side))).astype(np.float32)
    hairs = softened(hairs, rng.uniform(0.4, 1.0)) * 1.3
    base = rng.choice([rng.uniform(10, 60), rng.uniform(60, 120), rng.uniform(140, 230)], p=[0.6, 0.2, 0.2])
    colour = (base * np.array([1.08, 1.0, 0.9])).astype(np.float32) * (0.6 + 0.6 * hairs)[..., None]
    return colour.clip(0, 255), area * (1 - lips) * (rng.uniform(0.3, 1.0) * hairs).clip(0, 1)


def _scarf(face: Floats, rng: Rng) -> Layer:
    side = len(face)
    x = np.linspace(-0.05, 1.05, 24)
    edge = face_y(rng.uniform(1.95, 2.35)) + rng.uniform(-0.5, 1.2) * (x - 0.5) ** 2
    edge += 0.01 * rng.standard_normal(24) * rng.random()
    area = polygon([*zip(x, edge, strict=True), (1.05, 1.1), (-0.05, 1.1)], side, 0.004)
    folds = 1 + rng.uniform(0, 0.3) * smooth_noise(rng, side, int(rng.integers(5, 16)))[..., 0]
    return (any_texture(rng, face) * folds[..., None]).clip(0, 255), area


def _hood(face: Floats, rng: Rng) -> Layer:
    side = len(face)
    inner = ellipse(0.5 + rng.normal(0, 0.02), face_y(0.55), rng.uniform(0.24, 0.32), rng.uniform(0.33, 0.42))
    area = 1 - polygon(inner, side, 0.004)
    folds = 1 + rng.uniform(0, 0.25) * smooth_noise(rng, side, int(rng.integers(4, 12)))[..., 0]
    return (any_texture(rng, face) * folds[..., None]).clip(0, 255), area


def _hand(face: Floats, rng: Rng) -> Layer:
    """Fingers as capsules in the person's own skin colour, brighter along their middle, from a palm at the border."""
    side, own = len(face), skin(face) * rng.uniform(0.75, 1.15)
    from_x, from_y = (
        (rng.uniform(0.1, 0.9), 1.05) if rng.random() < 0.7 else (rng.choice([-0.05, 1.05]), rng.uniform(0.6, 1))
    )
    to = np.array([rng.normal(0.5, 0.12), face_y(rng.uniform(0.7, 1.9))])
    along = to - np.array([from_x, from_y])
    along /= max(1e-3, float(np.hypot(*along)))
    across = np.array([-along[1], along[0]])
    width = rng.uniform(0.028, 0.048)
    picture, opacity = np.zeros_like(face), np.zeros(face.shape[:2], np.float32)
    palm = to - along * rng.uniform(0.12, 0.3)
    parts = [(palm - 0.5 * along, palm, width * 3.6)] if rng.random() < 0.8 else []
    fingers = int(rng.integers(1, 6))
    spread = rng.uniform(1.0, 1.8) * width
    for n in range(fingers):
        aside = (n - (fingers - 1) / 2) * spread
        tip = to + across * aside * rng.uniform(0.9, 1.3) - along * rng.uniform(0, 0.08)
        parts.append((palm + across * aside, tip, width * rng.uniform(0.85, 1.1)))
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side
    for begin, end, thick in parts:
        line = end - begin
        t = (((x - begin[0]) * line[0] + (y - begin[1]) * line[1]) / max(1e-4, float(line @ line))).clip(0, 1)
        off = np.hypot(x - begin[0] - t * line[0], y - begin[1] - t * line[1]) / (thick / 2)
        area = ((1 - off) * side * thick / 2 + 0.5).clip(0, 1)
        shade = 1.06 - 0.35 * off.clip(0, 1) ** 3
        picture = laid(picture, (own * shade[..., None]).astype(np.float32), area)
        opacity = np.maximum(opacity, area)
    grain = 1 + 0.04 * smooth_noise(rng, side, 20)
    return (picture * grain).clip(0, 255), opacity.astype(np.float32)


def _cup(face: Floats, rng: Rng) -> Layer:
    side = len(face)
    wide, top = rng.uniform(0.06, 0.12), face_y(rng.uniform(0.85, 1.5))
    x, taper = 0.5 + rng.normal(0, 0.06), rng.uniform(0.7, 1.1)
    bottom = top + rng.uniform(0.25, 0.6)
    area = polygon([(x - wide, top), (x + wide, top), (x + wide * taper, bottom), (x - wide * taper, bottom)], side)
    across = (np.arange(side, dtype=np.float32) / side - x) / wide
    round_ = 1.05 - rng.uniform(0, 0.5) * across**2
    return (any_texture(rng, face) * round_.clip(0, 2)[None, :, None]).clip(0, 255), area


def _microphone(face: Floats, rng: Rng) -> Layer:
    side = len(face)
    x, y, size = rng.normal(0.5, 0.1), face_y(rng.uniform(1.3, 2.2)), rng.uniform(0.03, 0.08)
    foot = rng.normal(x, 0.15), 1.1
    area = np.maximum(
        polygon(ellipse(x, y, size, size * rng.uniform(0.9, 1.3)), side),
        strokes([[(x, y), foot]], size * rng.uniform(0.5, 1.2), side),
    )
    colour = any_colour(rng, face) if rng.random() < 0.4 else np.full(3, rng.uniform(5, 70), np.float32)
    rough = 1 + rng.uniform(0.05, 0.3) * rng.standard_normal((side, side, 1)).astype(np.float32)
    return (colour * rough).clip(0, 255).astype(np.float32), area


def _sunglasses(face: Floats, rng: Rng) -> Layer:
    side, area = len(face), np.zeros(face.shape[:2], np.float32)
    wide, high = IOD * rng.uniform(0.3, 0.46), IOD * rng.uniform(0.2, 0.4)
    drop = rng.uniform(-0.01, 0.03)
    for x in (0.5 - IOD / 2, 0.5 + IOD / 2):
        area = np.maximum(area, polygon(ellipse(x, 0.40 + drop, wide, high, count=int(rng.integers(6, 30))), side))
    rest = [[(0.4, 0.39), (0.6, 0.39)], [(0.5 - IOD, 0.39), (0.2, 0.40)], [(0.5 + IOD, 0.39), (0.8, 0.40)]]
    area = np.maximum(area, strokes(rest, 0.012, side))
    colour = np.full(face.shape, rng.uniform(5, 60), np.float32) + rng.normal(0, 8, 3).astype(np.float32)
    return colour.clip(0, 255), area * np.float32(rng.uniform(0.7, 1))


def _rims(face: Floats, rng: Rng) -> Layer:
    side = len(face)
    wide, high = IOD * rng.uniform(0.28, 0.42), IOD * rng.uniform(0.2, 0.36)
    drop, count = rng.uniform(0, 0.03), int(rng.integers(8, 30))
    lines = [ellipse(x, 0.40 + drop, wide, high, count=count) for x in (0.5 - IOD / 2, 0.5 + IOD / 2)]
    closed = [np.vstack([line, line[:1]]) for line in lines]
    arms: list[list[tuple[float, float]]] = [[(0.5 - IOD / 2 + wide, 0.39 + drop), (0.5 + IOD / 2 - wide, 0.39 + drop)]]
    arms += [[(0.5 + s * (IOD / 2 + wide), 0.39 + drop), (0.5 + s * 0.28, 0.40)] for s in (-1, 1)]
    area = strokes([*closed, *arms], rng.uniform(0.006, 0.018), side)
    return np.broadcast_to(any_colour(rng, face), face.shape).astype(np.float32), area


def _hair(face: Floats, rng: Rng) -> Layer:
    side, sign = len(face), rng.choice([-1, 1])
    x = 0.5 + sign * rng.uniform(0.15, 0.3)
    y = np.linspace(0.1, 1.05, 8)
    strands = [
        np.stack([x + sign * 0.06 * np.sin(2 * y + rng.uniform(0, 3)) + rng.normal(0, 0.015), y], 1)
        for _ in range(int(rng.integers(3, 14)))
    ]
    area = softened(strokes(strands, rng.uniform(0.004, 0.012), side), 0.6)
    colour = rng.uniform(10, 120) * np.array([1.1, 1.0, 0.85])
    return np.broadcast_to(colour, face.shape).astype(np.float32), area * np.float32(rng.uniform(0.6, 1))


OVER = (
    (_hair, 0.06, 0.08),
    (_microphone, 0.08, 0.05),
    (_cup, 0.06, 0.02),
    (_hand, 0.16, 0.07),
    (_rims, 0.08, 0.10),
    (_sunglasses, 0.10, 0.10),
)
