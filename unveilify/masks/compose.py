"""Put an overlay on a picture."""

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
    rows, columns = np.nonzero(overlay.alpha.any(1))[0], np.nonzero(overlay.alpha.any(0))[0]
    if not len(rows):
        return masked
    part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    over = overlay.rgba[part].astype(np.uint16)
    alpha = over[:, :, 3:]
    masked[part] = (over[:, :, :3] * alpha + image[part] * (255 - alpha) + 127) // 255
    return masked
