"""Pictures as floats, random colours and patterns, and shapes in shares of a face crop's side."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Rng = np.random.Generator
Points = Sequence[tuple[float, float]] | npt.NDArray[np.float64]

EYE_Y, IOD = 0.40, 0.25
"""Where the eyes lie in a face crop, and their distance, as shares of its side."""


def laid(picture: Floats, colour: Floats, opacity: Floats) -> Floats:
    """``colour`` (S, S, 3) over ``picture`` (S, S, 3), where and as far as ``opacity`` (S, S) in 0…1 says."""
    return np.asarray(picture + opacity[..., None] * (colour - picture), np.float32)


def face_y(y: float) -> float:
    """Share of the crop's side for a height given in interocular distances below the eyes (mouth 1.05, chin 1.8)."""
    return EYE_Y + IOD * y


def polygon(points: Points, side: int, soft: float = 0.0) -> Floats:
    """(side, side) in 0…1: a filled polygon with corners (x, y) as shares of the side; ``soft`` in shares as well."""
    area = np.zeros((side, side), np.uint8)
    corners = np.rint(np.asarray(points, np.float64) * side * 16).astype(np.int32)
    cv2.fillPoly(area, [corners], (255,), cv2.LINE_AA, 4)
    return softened((area / 255).astype(np.float32), soft * side)


def strokes(lines: Sequence[Points], width: float, side: int) -> Floats:
    """(side, side) in 0…1: open lines of one width, all in shares of the side."""
    area = np.zeros((side, side), np.uint8)
    corners = [np.rint(np.asarray(line, np.float64) * side * 16).astype(np.int32) for line in lines]
    cv2.polylines(area, corners, False, (255,), max(1, round(width * side)), cv2.LINE_AA, 4)
    return (area / 255).astype(np.float32)


def ellipse(x: float, y: float, wide: float, high: float, angle: float = 0.0, *, count: int = 40) -> Points:
    """The outline of an ellipse with these half axes."""
    turn = np.linspace(0, 2 * np.pi, count, endpoint=False)
    a, b = wide * np.cos(turn), high * np.sin(turn)
    return np.stack([x + np.cos(angle) * a - np.sin(angle) * b, y + np.sin(angle) * a + np.cos(angle) * b], 1)


def softened(area: Floats, sigma: float) -> Floats:
    """A Gaussian blur; below a third of a pixel none."""
    return (
        np.asarray(area, np.float32) if sigma < 0.3 else np.asarray(cv2.GaussianBlur(area, (0, 0), sigma), np.float32)
    )


def smooth_noise(rng: Rng, side: int, cells: int, channels: int = 1) -> Floats:
    """(side, side, channels), about normal: values on a grid of ``cells``, cubic in between."""
    grid = rng.standard_normal((cells, cells, channels)).astype(np.float32)
    return np.asarray(cv2.resize(grid, (side, side), interpolation=cv2.INTER_CUBIC), np.float32).reshape(side, side, -1)


def skin(face: Floats) -> Floats:
    """(3,): the median colour of forehead and cheeks under the eyes of a bare face crop."""
    side = len(face)
    parts = [
        face[round(top * side) : round(top * side) + side // 16, left * side // 16 :][:, : side // 8]
        for top, left in ((0.25, 7), (0.52, 5), (0.52, 9))
    ]
    return np.asarray(np.median(np.concatenate([p.reshape(-1, 3) for p in parts]), 0), np.float32)


def any_colour(rng: Rng, face: Floats) -> Floats:
    """(3,) in 0…255: black, white, grey, a person's own skin, or any hue."""
    kind = rng.random()
    if kind < 0.16:
        colour = rng.uniform(5, 60) + rng.normal(0, 5, 3)
    elif kind < 0.34:
        colour = rng.uniform(170, 250) + rng.normal(0, 8, 3)
    elif kind < 0.42:
        colour = rng.uniform(60, 170) + rng.normal(0, 8, 3)
    elif kind < 0.56:
        colour = skin(face) * rng.uniform(0.6, 1.3) + rng.normal(0, 14, 3)
    else:
        hue, saturation, value = rng.random() * 180, 255 * rng.random() ** 0.7, rng.uniform(50, 255)
        pixel = np.array([[[hue, saturation, value]]]).astype(np.uint8)
        colour = cv2.cvtColor(pixel, cv2.COLOR_HSV2RGB)[0, 0].astype(np.float64)
    return np.asarray(colour, np.float32).clip(0, 255)


def any_texture(rng: Rng, face: Floats) -> Floats:
    """(S, S, 3) in 0…255: a plain colour, or a print of any kind in several."""
    side = len(face)
    first, second = any_colour(rng, face), any_colour(rng, face)
    kind = rng.random()
    if kind < 0.42:
        return np.broadcast_to(first, face.shape).astype(np.float32)
    if kind < 0.50:
        return _photo(rng, face)
    share = _pattern(rng, side)
    if rng.random() < 0.25:
        third = any_colour(rng, face)
        other = _pattern(rng, side)
        second = second + other[..., None] * (third - second)
    return np.asarray(first + share[..., None] * (second - first), np.float32)


def _pattern(rng: Rng, side: int) -> Floats:
    """(side, side) in 0…1: how much of a second colour there is."""
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side - 0.5
    bend = 0.03 * smooth_noise(rng, side, 4, 2)
    angle = rng.uniform(0, np.pi)
    u = np.cos(angle) * x + np.sin(angle) * y + bend[..., 0]
    v = -np.sin(angle) * x + np.cos(angle) * y + bend[..., 1]
    waves = rng.uniform(4, 40)
    hard = rng.uniform(1, 12)
    kind = rng.integers(7)
    if kind == 0:  # from one side to the other
        wave = 2 * u
    elif kind == 1:
        wave = np.sin(2 * np.pi * waves * u) + rng.uniform(-0.7, 0.7)
    elif kind == 2:
        wave = np.sin(2 * np.pi * waves * u) * np.sin(2 * np.pi * waves * v)
    elif kind == 3:  # dots
        wave = np.cos(2 * np.pi * waves * u) + np.cos(2 * np.pi * waves * v) - rng.uniform(0.3, 1.4)
    elif kind == 4:  # blots, as of camouflage and flowers
        wave = smooth_noise(rng, side, int(rng.integers(5, 30)))[..., 0]
    elif kind == 5:
        wave = 2 * _letters(rng, side) - 1
    else:  # one shape, such as a logo or a beak
        at = rng.uniform(0.35, 0.65), rng.uniform(0.55, 0.85)
        corners = ellipse(
            *at, rng.uniform(0.02, 0.14), rng.uniform(0.02, 0.14), rng.uniform(0, 3), count=int(rng.integers(3, 20))
        )
        wave = 2 * polygon(corners, side) - 1
    return np.asarray((0.5 + 0.5 * hard * wave).clip(0, 1), np.float32)


def _letters(rng: Rng, side: int) -> Floats:
    area = np.zeros((side, side), np.uint8)
    for _ in range(int(rng.integers(1, 4))):
        text = "".join(chr(c) for c in rng.integers(48, 91, int(rng.integers(1, 8))))
        at = int(side * rng.uniform(0.2, 0.55)), int(side * rng.uniform(0.55, 0.9))
        cv2.putText(
            area,
            text,
            at,
            int(rng.integers(0, 8)),
            side * rng.uniform(0.002, 0.008),
            (255,),
            int(rng.integers(1, 4)),
            cv2.LINE_AA,
        )
    return (area / 255).astype(np.float32)


def _photo(rng: Rng, face: Floats) -> Floats:
    """A piece of the photo itself in other colours, as of cloth with a picture on it."""
    side = len(face)
    angle, scale = rng.uniform(0, 360), np.exp(rng.uniform(-1.0, 0.7))
    matrix = cv2.getRotationMatrix2D((side * rng.random(), side * rng.random()), angle, float(scale))
    piece = cv2.warpAffine(face, matrix, (side, side), borderMode=cv2.BORDER_REFLECT)
    piece = piece[..., rng.permutation(3)]
    return np.asarray(255 - piece if rng.random() < 0.3 else piece, np.float32)
