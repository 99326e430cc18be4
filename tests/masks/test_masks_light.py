"""What is measured from the photo."""

import cv2
import numpy as np
from numpy.typing import NDArray

from unveilify.core.landmarks import Landmarks
from unveilify.masks.fit import fit
from unveilify.masks.light import measure, shade
from unveilify.masks.recipe import Light

Rgb = NDArray[np.uint8]


def test_the_lit_side_is_found(astronaut: Rgb, mesh: Landmarks) -> None:
    ramp = np.linspace(1.0, 0.3, 60)
    gain = np.ones(512)
    gain[195:255], gain[255:] = ramp, 0.3
    from_left = (astronaut * gain[None, :, None]).astype(np.uint8)
    head = fit(mesh)
    assert measure(from_left, head).slope[0] < measure(astronaut, head).slope[0] - 0.1


def test_darker_photos_get_darker_masks(astronaut: Rgb, mesh: Landmarks) -> None:
    head = fit(mesh)
    dark = (astronaut * 0.4).astype(np.uint8)
    assert measure(dark, head).level.mean() < 0.4 * measure(astronaut, head).level.mean()


def test_blur_and_grain_of_the_photo(astronaut: Rgb, mesh: Landmarks) -> None:
    head = fit(mesh)
    sharp = measure(astronaut, head)
    soft = measure(np.asarray(cv2.GaussianBlur(astronaut, (0, 0), 1.6), np.uint8), head)
    assert soft.blur > sharp.blur + 0.5
    noise = np.random.default_rng(0).normal(0, 6, astronaut.shape[:2])[..., None]
    noisy = np.clip(astronaut + noise, 0, 255).astype(np.uint8)
    assert measure(noisy, head).grain > sharp.grain + 0.008


def test_shading_never_leaves_the_range(astronaut: Rgb, mesh: Landmarks) -> None:
    light = measure(astronaut, fit(mesh))
    rng = np.random.default_rng(0)
    normals = rng.normal(size=(40, 40, 3)).astype(np.float32)
    normals /= np.linalg.norm(normals, axis=2, keepdims=True)
    lit = shade(rng.uniform(0, 1, (40, 40, 3)).astype(np.float32), normals, light, Light(gain=2.0))
    assert lit.min() >= 0
    assert lit.max() <= 1
