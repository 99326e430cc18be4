"""Draw a fresh mask on a stored face: its landmarks travel with every sample, so no face has to be found again."""

import json
from typing import Any

import numpy as np

from unveilify.core.landmarks import Landmarks, Points, transform
from unveilify.core.records import Image
from unveilify.masks.choose import choose
from unveilify.masks.compose import compose
from unveilify.masks.config import MaskConfig
from unveilify.masks.draw import draw


def remask(
    unmasked: Image, points: Points, about: bytes, config: MaskConfig, seed: int, epoch: int
) -> tuple[Image, Image]:
    """A new mask on ``unmasked`` (S, S, 3) RGB: the masked picture, and the alpha (S, S), 0…255.

    ``points`` (N, D) are the landmarks of the unmasked picture in pixels of the stored crop, ``about`` is the sample's
    JSON member. The mask is a function of (sample, seed, epoch) alone.
    """
    meta: dict[str, Any] = json.loads(about)
    scale = unmasked.shape[0] / meta["crop"]["size_px"]
    # Whole coordinates are centres of pixels, so scaling moves them by half a pixel's difference.
    matrix = np.array([[scale, 0, (scale - 1) / 2], [0, scale, (scale - 1) / 2]])
    landmarks = transform(Landmarks(points, meta["landmarks"]["scheme"]), matrix)
    overlay = draw(unmasked, landmarks, choose(config, seed, f"{epoch}/{meta['key']}"))
    return compose(unmasked, overlay), overlay.alpha
