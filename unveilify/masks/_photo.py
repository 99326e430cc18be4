"""What the photo says about occlusion: hair over straps, glasses over the mask, where skin is to take a shadow."""

from functools import lru_cache

import cv2
import numpy as np

from unveilify.core.records import Image
from unveilify.masks._head import relief
from unveilify.masks.fit import Head, Places, place
from unveilify.masks.pixels import Array, Bools, Floats, blurred, fill_hull, look_up

_RIM_SHARE = 0.4
"""Glasses are believed in when this share of the rings under both eyes is crossed by dark lines.
Fewer are rims seen in part, and parts that float before the mask look worse than rims under it."""


@lru_cache(maxsize=1)
def _outline() -> tuple[Places, Places]:
    """Places whose convex hulls, once projected, are the face and the neck."""
    y, x = np.mgrid[-0.3:1.79:12j, -1.0:1.0:9j]
    x = x * np.interp(y, [-0.3, 0.8, 1.3, 1.6, 1.79], [1.08, 1.06, 0.86, 0.56, 0.15])
    face = np.stack([x, y, relief(x, y)], -1).reshape(-1, 3)
    y, x = np.mgrid[1.0:2.4:6j, -0.78:0.78:5j]
    return Places(face), Places(np.stack([x, y, np.minimum(relief(x, y), -0.25)], -1).reshape(-1, 3))


def skin_area(head: Head, origin: Array, shape: tuple[int, int], shrink: int = 1) -> Floats:
    """Where face or neck lie, (height, width) 0…1: a shadow falls on them and not on the wall behind.

    One of its pixels is ``shrink`` of the picture's.
    """
    area = np.zeros(shape, np.uint8)
    for places in _outline():
        fill_hull(area, ((place(head, places) - origin)[:, :2] + 0.5) / shrink - 0.5)
    soft = cv2.GaussianBlur(area, (0, 0), max(0.7, 0.03 * head.scale / shrink)).astype(np.float32)
    return np.asarray(np.clip(soft * np.float32(2 / 255) - 1, 0, 1))


def under_hair(image: Image, lines: Array, skin: Floats, canonical_x: Array) -> Array:
    """How much of each strap shows, 0…1 at each point of its line; ``lines`` (M, N, 3) in the picture's pixels.

    From where the picture, near the ear, is not skin any more (darker or of another hue), hair covers the strap.
    ``skin``: linear RGB.
    """
    height, width = image.shape[:2]
    at = np.rint(lines[..., :2]).astype(int)
    known = (at >= 1).all(-1) & (at < [width - 1, height - 1]).all(-1) & (np.abs(canonical_x) > 0.9)
    shown = np.ones(known.shape)
    if known.any():
        x, y = at[known].T
        near = np.stack([image[y + b, x + a] for b in (-1, 0, 1) for a in (-1, 0, 1)])
        spot = (near.mean(0) / 255.0) ** 2.2 + 1e-3
        own = np.asarray(skin, np.float64) + 1e-3
        total = spot.sum(1, keepdims=True)
        darker = np.log(own.sum() / total[:, 0])
        hue = np.abs(np.log(spot / total) - np.log(own / own.sum())).max(1)
        shown[known] = np.clip(2.6 - 1.2 * np.maximum(darker, 0.0) - 2.0 * hue, 0, 1)
    shown[:, 1:-1] = (shown[:, :-2] + shown[:, 1:-1] + shown[:, 2:]) / 3
    return np.asarray(np.minimum.accumulate(np.where(shown > 0.5, shown, 0.0), axis=1))


def glasses(image: Image, head: Head, origin: Array, shape: tuple[int, int]) -> Floats | None:
    """Rims of glasses below and between the eyes, (height, width) 0…1; None if no glasses are seen.

    Dark lines thinner than a tenth of the eyes' distance, found by closing; believed in only when they cross the
    rings where rims run under both eyes. Light or rimless glasses are not found.
    """
    if head.scale < 24 or abs(head.yaw) > 0.6:
        return None
    x0, y0 = int(origin[0]), int(origin[1])
    grey = cv2.cvtColor(image[y0 : y0 + shape[0], x0 : x0 + shape[1]], cv2.COLOR_RGB2GRAY)
    size = max(3, int(0.13 * head.scale) | 1)
    closed = cv2.morphologyEx(grey, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))
    depth = ((closed.astype(np.float32) - grey) / np.maximum(closed, 40)).astype(np.float32)
    places, shape_of = _rays()
    rings = (place(head, places) - origin)[:, :2].reshape(*shape_of, 2)
    crossed = [_crossed(depth, ring) for ring in rings]
    if min(crossed) < _RIM_SHARE:
        return None
    zone = np.zeros(shape, np.uint8)
    for ring in rings:
        fill_hull(zone, ring.reshape(-1, 2))
    rim = np.clip((depth - 0.2) / 0.14, 0, 1) * (zone.astype(np.float32) / 255)
    return blurred(rim * _long(rim > 0.4, 0.33 * head.scale), 0.6)


def _long(marks: Bools, reach: float) -> Bools:
    """Connected marks at least ``reach`` pixels wide or high: rims, not the shadow beside a nose."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(marks.astype(np.uint8))
    kept = np.maximum(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]) >= reach
    kept[0] = False
    grown = cv2.dilate(kept[labels].astype(np.uint8), np.ones((3, 3), np.uint8))
    return np.asarray(grown > 0)


@lru_cache(maxsize=1)
def _rays() -> tuple[Places, tuple[int, int, int]]:
    """Places on rays from both eyes outwards through the place of the lower rim; how many (eyes, angles, steps)."""
    angle = np.linspace(0.25, np.pi - 0.25, 15)[:, None]
    reach = np.linspace(0.22, 0.58, 13)[None, :]
    eye = np.array([-0.5, 0.5])[:, None, None]
    x = eye + 1.05 * reach * np.cos(angle)
    y = 0.02 + 0.85 * reach * np.sin(angle) + 0 * eye
    return Places(np.stack([x, y, relief(x, y) + 0.04], -1).reshape(-1, 3)), (2, 15, 13)


def _crossed(depth: Floats, ring: Array) -> float:
    values = look_up(depth, ring[..., 0], ring[..., 1], cv2.BORDER_CONSTANT)
    return float((values.max(1) > 0.33).mean())
