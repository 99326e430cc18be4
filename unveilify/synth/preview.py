"""The contact sheet beside every part: what people look at before they train on anything."""

import math

import cv2
import numpy as np

from unveilify.core.records import Image

TILE_PX, COLUMNS, MOST = 128, 6, 48


def contact_sheet(pairs: list[tuple[Image, Image]]) -> Image:
    """Tile (unmasked, masked) pairs, at most `MOST` of them spread over the part, as one RGB picture."""
    step = max(1, math.ceil(len(pairs) / MOST))
    shown = pairs[::step] or [(np.zeros((1, 1, 3), np.uint8),) * 2]
    rows = math.ceil(len(shown) / COLUMNS)
    sheet = np.full((rows * TILE_PX, COLUMNS * 2 * TILE_PX, 3), 255, np.uint8)
    for n, pair in enumerate(shown):
        y, x = divmod(n, COLUMNS)
        both = np.hstack([cv2.resize(p, (TILE_PX, TILE_PX), interpolation=cv2.INTER_AREA) for p in pair])
        sheet[y * TILE_PX : (y + 1) * TILE_PX, x * 2 * TILE_PX : (x + 1) * 2 * TILE_PX] = both
    return sheet
