"""Put an overlay on a picture."""

import cv2
import numpy as np

from unveilify.core.records import Image
from unveilify.masks.draw import Overlay


def compose(image: Image, overlay: Overlay) -> Image:
    """``image`` (H, W, 3) RGB with the overlay on it: each pixel lies between the two layers' colours.

    Where the overlay's alpha is 0 the result equals ``image`` exactly.

    Raises:
        ValueError: the two differ in size.
    """
    if image.shape[:2] != overlay.rgba.shape[:2]:
        raise ValueError(f"the overlay is {overlay.rgba.shape[:2]}, the picture {image.shape[:2]}")
    masked = image.copy()
    left, top = overlay.box[:2] if overlay.box else (0, 0)
    x, y, width, height = cv2.boundingRect(cv2.extractChannel(overlay.part, 3)) if overlay.part.size else (0,) * 4
    if not width:
        return masked
    over = overlay.part[y : y + height, x : x + width]
    below = masked[top + y : top + y + height, left + x : left + x + width]
    alpha = cv2.merge([cv2.extractChannel(over, 3)] * 3)
    mixed = np.asarray(cv2.multiply(cv2.cvtColor(over, cv2.COLOR_RGBA2RGB), alpha, dtype=cv2.CV_16U), np.uint16)
    mixed += np.asarray(cv2.multiply(below, cv2.bitwise_not(alpha), dtype=cv2.CV_16U), np.uint16)
    mixed += 128
    mixed += mixed >> 8  # with the next line: divided by 255 and rounded, exactly, for all that 16 bits hold
    below[:] = mixed >> 8
    return masked
