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
    box = cv2.boundingRect(overlay.alpha)  # x, y, width, height
    if not box[2]:
        return masked
    part = np.s_[box[1] : box[1] + box[3], box[0] : box[0] + box[2]]
    over = overlay.rgba[part].astype(np.uint16)
    alpha = cv2.merge([over[:, :, 3]] * 3)
    mixed = np.asarray(over[:, :, :3] * alpha + image[part] * (255 - alpha), np.uint16)
    mixed += 128
    mixed += mixed >> 8  # with the next line: divided by 255 and rounded, exactly, for all that 16 bits hold
    masked[part] = mixed >> 8
    return masked
