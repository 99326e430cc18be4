"""Lift the drawn mask off its photo, give it another cloth and another outline."""

import cv2
import numpy as np

from unveilify.core.records import Image
from unveilify.training.wild.layers import Floats, Rng, any_texture, ellipse, laid, polygon, smooth_noise, softened

DRESSED, BENT = 0.75, 0.8
"""Shares of the masks that get another cloth, and another outline."""


def lifted(masked: Image, unmasked: Image, alpha: Image) -> tuple[Floats, Floats]:
    """The mask's own colours (S, S, 3) in 0…255 and its opacity (S, S) in 0…1, from the two pictures and its alpha."""
    there = (alpha.reshape(alpha.shape[:2]) / 255).astype(np.float32)
    bare = unmasked.astype(np.float32)
    added = masked.astype(np.float32) - (1 - there[..., None]) * bare
    return np.asarray((added / np.maximum(there, 0.05)[..., None]).clip(0, 255), np.float32), there


def dressed(cloth: Floats, there: Floats, face: Floats, rng: Rng) -> Floats:
    """Another cloth with the light, folds and shadow of the old one; thin straps sometimes keep their own."""
    if rng.random() >= DRESSED:
        return cloth
    side = len(cloth)
    light = cloth @ np.array([0.299, 0.587, 0.114], np.float32)
    solid = there > 0.9
    usual = max(40.0, float(np.median(light[solid])) if solid.any() else 128.0)
    shading = (light / usual).clip(0, 1.6) ** rng.uniform(0.5, 1.3)
    folds = 1 + rng.uniform(0, 0.12) * smooth_noise(rng, side, int(rng.integers(4, 14)))[..., 0]
    new = any_texture(rng, face) * (shading * folds)[..., None]
    new += rng.uniform(0, 8) * rng.standard_normal((side, side, 1)).astype(np.float32)
    if rng.random() < 0.12:
        new = _with_valve(new, rng)
    if rng.random() < 0.5:
        core = cv2.morphologyEx(solid.astype(np.uint8), cv2.MORPH_OPEN, np.ones((side // 14 | 1,) * 2, np.uint8))
        reach = softened(cv2.dilate(core, np.ones((side // 32 | 1,) * 2, np.uint8)).astype(np.float32), 1.0)
        new = laid(cloth, new, reach)
    return new.clip(0, 255)


def bent(cloth: Floats, there: Floats, rng: Rng) -> tuple[Floats, Floats]:
    """The mask moved, stretched and bent like rubber, so that no outline is like another."""
    both = np.dstack([cloth, there])
    if rng.random() >= BENT:
        return both[..., :3], both[..., 3]
    side = len(cloth)
    angle, stretch = rng.normal(0, 0.05), np.exp(rng.normal(0, 0.06, 2))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / stretch
    middle = np.array([0.5, 0.65]) * side
    shift = rng.normal(0, 0.014, 2) * side
    y, x = np.mgrid[0:side, 0:side].astype(np.float32)
    places = np.stack([x, y], -1) - middle - shift
    wander = rng.uniform(0, 0.02) * side * smooth_noise(rng, side, 5, 2)
    wander += rng.uniform(0, 0.006) * side * smooth_noise(rng, side, 14, 2)
    source = (places @ turn.T + middle + wander).astype(np.float32)
    moved = cv2.remap(both, source, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)  # type: ignore[call-overload]
    return moved[..., :3], moved[..., 3]


def _with_valve(cloth: Floats, rng: Rng) -> Floats:
    side, size = len(cloth), rng.uniform(0.02, 0.05)
    x, y = 0.5 + rng.normal(0, 0.07), rng.uniform(0.62, 0.78)
    colour = rng.uniform(30, 240) + rng.normal(0, 12, 3)
    for factor, shade in ((1.0, 0.7), (0.85, 1.0), (0.5, 0.85)):
        area = polygon(ellipse(x, y, size * factor, size * factor * rng.uniform(0.7, 1.1)), side)
        cloth = laid(cloth, np.broadcast_to((shade * colour).clip(0, 255), cloth.shape).astype(np.float32), area)
    return cloth
