"""Photograph an invented person: the portrait in their colours, warped to their shape, pose and expression.

Every warp is a backward map (for each pixel of the photo, where in the portrait to look), analytic in the face
frame, computed on a coarse grid and enlarged; only the lips, which may meet, are moved at full resolution.
"""

import cv2
import numpy as np
import numpy.typing as npt

from unveilify.core.records import Image
from unveilify.sources.layouts._people import FROWN, MOVES, SMILE, Move, Person, View
from unveilify.sources.layouts._portrait import (
    EYE_DISTANCE,
    EYE_MIDDLE,
    ROLL,
    WINDOW,
    ZOOM,
    Floats,
    Portrait,
    floats,
    soften,
)

COARSE = 4
"""Pixels of the photo between two points of the coarse grid."""
PARTS = 7
"""Regions of the portrait that get a box: face, eyes, nose, mouth, ears."""
EYE_HEIGHT = 0.42
"""Where the middle of the eyes lies in an unshifted photo, as a share of its height."""

Boxes = dict[int, tuple[int, int, int, int]]


def paint(source: Portrait, person: Person) -> Floats:
    """The portrait in this person's colours, not yet warped: (H, W, 5) RGB, brightness of the suit, alpha; 0…1."""
    rgb = source.rgb
    luminance = floats(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY))
    light = luminance[..., None]
    detail = luminance - soften(luminance, 5)
    out = rgb + (source.skin * detail * np.float32(0.9 * person.age))[..., None]
    # pigment absorbs exponentially, blue most; the undertone is warm or cool at equal lightness
    absorb = person.melanin * np.array([0.55, 0.85, 1.1]) + 0.05 * person.undertone * np.array([-1, 0, 1.3])
    out = _blend(out, out * floats(np.exp(-absorb)), source.skin)
    redder = floats([1, 1 - 0.16 * person.lips, 1 - 0.1 * person.lips]) * np.float32(1 - 0.06 * abs(person.lips))
    out = _blend(out, out * redder, source.lips)
    out = _blend(out, person.hair * (light / 0.42) ** np.float32(person.hair_contrast), source.hair)
    out = _blend(out, person.hair * (0.3 + 0.75 * light), source.brows * np.float32(person.brows))
    out = _blend(out, person.iris * (0.35 + 1.6 * light), source.iris * np.float32(0.8))
    stubble = soften(np.random.default_rng(1).random(luminance.shape, np.float32), 0.8)
    shadow = source.beard * floats(np.clip(1.6 * stubble - 0.05, 0, 1)) * np.float32(0.8 * person.beard)
    out = _blend(out, person.hair * np.float32(0.5) + np.float32(0.12) * out, shadow)
    for u, v, radius in person.moles:
        out = _blend(out, out * floats([0.5, 0.4, 0.35]), _spot(luminance.shape, u, v, radius) * source.skin)
    cloth = source.suit * np.clip(luminance / 0.45, 0, 1.6)
    return floats(np.dstack([np.clip(out, 0, 1) * (1 - source.suit[..., None]), cloth, source.alpha]))


def photograph(source: Portrait, painted: Floats, person: Person, view: View, size: int) -> tuple[Image, Boxes]:
    """Take one photo of what `paint` made.

    Returns:
        RGB (size, size, 3), and the boxes x, y, w, h in pixels of the portrait's regions by number; 1 is the face.
    """
    look_x, look_y, shade = _maps(person, view, size)
    look_y, lip_line = _close_lips(look_x, look_y, view.closed)
    warped = floats(cv2.remap(painted, look_x, look_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT))
    regions = cv2.remap(source.regions, look_x, look_y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT)
    rng = np.random.default_rng(view.seed)
    figure = (warped[..., :3] + warped[..., 3:4] * view.suit) * (shade * (1 - lip_line))[..., None]
    photo = _blend(_backdrop(view, size, rng), figure, warped[..., 4])
    photo *= floats(view.exposure * np.exp(view.warmth * np.array([1, 0, -1])))
    if view.blur:
        photo = soften(photo, view.blur)
    photo += np.float32(view.grain) * rng.standard_normal(photo.shape, np.float32)
    image = np.clip(np.round(photo * 255), 0, 255).astype(np.uint8)
    if person.flipped:
        image, regions = np.ascontiguousarray(image[:, ::-1]), np.ascontiguousarray(regions[:, ::-1])
    return image, _boxes(np.asarray(regions, np.uint8))


def _maps(person: Person, view: View, size: int) -> tuple[Floats, Floats, Floats]:
    """Where each pixel looks in the enlarged window (x, y), and the shading there."""
    # one cell of margin on every side, so that enlarging the grid does not smear at the border
    axis = (np.arange(-1, size // COARSE + 1) + 0.5) * COARSE - 0.5
    x, y = np.meshgrid(axis, axis)
    unit = view.scale / size
    u = (x - size * 0.5) * unit - view.shift[0]
    v = (y - size * EYE_HEIGHT) * unit - view.shift[1]
    cos, sin = np.cos(view.roll), np.sin(view.roll)
    upright = 1 / (1 + np.exp((v - 2.6) / 0.4))  # the body does not tilt as far as the head
    u, v = u + upright * ((cos - 1) * u + sin * v), v + upright * (-sin * u + (cos - 1) * v)
    shade = 1 + _relief(u, v, view.light)
    u, v = _turn(u, v, view.yaw, view.pitch)
    q = np.stack([u, v])
    amounts = [*person.shape, view.smile, view.brows]
    total = np.zeros_like(q)
    for move, amount in zip((*MOVES, SMILE, FROWN), amounts, strict=True):
        total += amount * _displacement(move, q)
    u, v = q - total
    cos, sin = np.cos(ROLL), np.sin(ROLL)
    look_x = (EYE_MIDDLE[0] + EYE_DISTANCE * (cos * u - sin * v) - WINDOW[0] + 0.5) * ZOOM - 0.5
    look_y = (EYE_MIDDLE[1] + EYE_DISTANCE * (sin * u + cos * v) - WINDOW[1] + 0.5) * ZOOM - 0.5
    return _enlarge(look_x), _enlarge(look_y), _enlarge(shade)


def _enlarge(grid: npt.NDArray[np.float64]) -> Floats:
    whole = cv2.resize(floats(grid), None, fx=COARSE, fy=COARSE, interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(whole[COARSE:-COARSE, COARSE:-COARSE], np.float32)


def _displacement(move: Move, q: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Displacement (2, H, W) of the points ``q`` (2, H, W) by one sigma of a move."""
    a, b, c, d = move.linear
    out = np.zeros_like(q)
    for side in (1, -1) if move.mirrored else (1,):
        u, v = q[0] - side * move.centre[0], q[1] - move.centre[1]
        weight = np.exp(-0.5 * ((u / move.spread[0]) ** 2 + (v / move.spread[1]) ** 2))
        out[0] += weight * (a * u + side * b * v + side * move.shift[0])
        out[1] += weight * (side * c * u + d * v + move.shift[1])
    return out


def _depth(u: npt.NDArray[np.float64], v: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Height of head and nose above the plane of the hair's rim, in eye distances; 0 outside the head."""
    head = 1.15 * np.maximum(0, 1 - (u / 1.75) ** 2 - ((v - 0.1) / 2.3) ** 2)
    nose = 0.28 * np.exp(-0.5 * ((u / 0.2) ** 2 + ((v - 0.5) / 0.28) ** 2))
    return np.asarray(head + nose, np.float64)


def _turn(
    u: npt.NDArray[np.float64], v: npt.NDArray[np.float64], yaw: float, pitch: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Undo the head's turn: parallel projection of the `_depth` relief, two fixed-point steps."""
    middle = 0.8  # the axis of the turn lies this deep behind the nose
    head = 1 / (1 + np.exp((v - 2.1) / 0.2))  # the body stays
    back_u, back_v = u, v
    for _ in range(2):
        lift = _depth(back_u, back_v) - middle
        back_u = u + head * (u * (1 / np.cos(yaw) - 1) - lift * np.sin(yaw))
        back_v = v + head * (v * (1 / np.cos(pitch) - 1) - lift * np.sin(pitch))
    return back_u, back_v


def _relief(
    u: npt.NDArray[np.float64], v: npt.NDArray[np.float64], light: tuple[float, float]
) -> npt.NDArray[np.float64]:
    """How much lighter or darker a distant lamp at ``light`` makes the relief."""
    step = 0.05
    slope_u = (_depth(u + step, v) - _depth(u - step, v)) / (2 * step)
    slope_v = (_depth(u, v + step) - _depth(u, v - step)) / (2 * step)
    return np.asarray(-0.45 * np.tanh(light[0] * slope_u + light[1] * slope_v), np.float64)


def _close_lips(look_x: Floats, look_y: Floats, closed: float) -> tuple[Floats, Floats]:
    """Bring the lips together over the teeth by ``closed`` (0 a full smile, 1 shut), and darken where they meet.

    The map jumps across the gap between the lips, a flat parabola in the portrait.
    """
    x = (look_x + 0.5) / ZOOM - 0.5 + WINDOW[0]
    y = (look_y + 0.5) / ZOOM - 0.5 + WINDOW[1]
    along = np.clip(1 - ((x - 224.0) / 22.0) ** 2, 0, None)
    below = y - (140.6 + 5.8 * along)
    gap = 4.1 * closed * np.sqrt(along)
    reach = np.where(below > 0, 13.0, 9.0)
    moved = np.sign(below) * gap * np.clip(1 - np.abs(below) / reach, 0, 1)
    line = 0.45 * closed * np.sqrt(along) * np.exp(-0.5 * (below / 0.55) ** 2)
    return floats(look_y + moved * ZOOM), floats(line)


def _backdrop(view: View, size: int, rng: np.random.Generator) -> Floats:
    """A softly clouded gradient between two colours."""
    ramp = np.linspace(0, 1, size, dtype=np.float32)[:, None, None]
    clouds = floats(cv2.resize(floats(rng.normal(0, 0.04, (5, 5))), (size, size), interpolation=cv2.INTER_CUBIC))
    return floats(view.backdrop[0] * (1 - ramp) + view.backdrop[1] * ramp + clouds[..., None])


def _spot(shape: tuple[int, ...], u: float, v: float, radius: float) -> Floats:
    """A soft round spot at (u, v) of the face frame; ``radius`` in eye distances."""
    unit = EYE_DISTANCE * ZOOM
    x = (EYE_MIDDLE[0] - WINDOW[0]) * ZOOM + u * unit
    y = (EYE_MIDDLE[1] - WINDOW[1]) * ZOOM + v * unit
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return np.exp(-0.5 * ((columns - x) ** 2 + (rows - y) ** 2) / (radius * unit) ** 2).astype(np.float32)


def _blend(under: Floats, over: Floats, weight: Floats) -> Floats:
    return floats(under + weight[..., None] * (over - under))


def _boxes(regions: npt.NDArray[np.uint8]) -> Boxes:
    """Bounding boxes: the face (1) holds all parts but the ears (6, 7)."""
    found: Boxes = {}
    for number in range(1, PARTS + 1):
        mask = (regions > 0) & (regions < 6) if number == 1 else regions == number
        if mask.any():
            x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
            found[number] = (x, y, width, height)
    return found
