"""Where in a face crop the photo is: outside of it the crop repeats its border, and there is no truth."""

import json
from typing import Any

import cv2
import numpy as np

from unveilify.core.geometry import apply
from unveilify.core.records import Image


def inside(described: bytes, size_px: int) -> Image:
    """(size_px, size_px), 255 where the photo of a sample is and 0 where not, from its json; 255 all over where that says nothing
    of the photo's size."""
    crop: dict[str, Any] = json.loads(described).get("crop", {})
    if "photo_px" not in crop:
        return np.full((size_px, size_px), 255, np.uint8)
    width, height = crop["photo_px"]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]]) - 0.5
    there = (apply(np.array(crop["matrix"]), corners) + 0.5) * size_px / crop["size_px"] - 0.5
    area = np.zeros((size_px, size_px), np.uint8)
    cv2.fillConvexPoly(area, np.rint(there * 16).astype(np.int32), 255, shift=4)
    return area
