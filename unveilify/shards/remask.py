"""Draw a fresh mask on a stored face: its landmarks travel with every sample, so no face has to be found again."""

import numpy as np

from unveilify.core.landmarks import SCHEME_OF_SIZE, Landmarks, Points, transform
from unveilify.core.records import Image
from unveilify.masks.choose import choose
from unveilify.masks.compose import compose
from unveilify.masks.config import MaskConfig
from unveilify.masks.draw import draw


def remask(
    unmasked: Image, points: Points, stored_px: int, name: str, config: MaskConfig, seed: int
) -> tuple[Image, Image]:
    """A new mask on ``unmasked`` (S, S, 3) RGB: the masked picture, and the alpha (S, S), 0…255.

    ``points`` (N, D) are the landmarks of the unmasked picture in pixels of the stored crop, whose side is ``stored_px``.
    The mask is a function of (picture, landmarks, name, seed) alone.

    Raises:
        masks.draw.FAILURES: none can be drawn on this face.
    """
    scale = unmasked.shape[0] / stored_px
    # Whole coordinates are centres of pixels, so scaling moves them by half a pixel's difference.
    matrix = np.array([[scale, 0, (scale - 1) / 2], [0, scale, (scale - 1) / 2]])
    landmarks = transform(Landmarks(points, SCHEME_OF_SIZE[len(points)]), matrix)
    overlay = draw(unmasked, landmarks, choose(config, seed, name))
    return compose(unmasked, overlay), overlay.alpha
