"""Parts of a picture that a detector is shown, and the way back to the picture's own pixels."""

import cv2
import numpy as np

from unveilify.core.landmarks import Landmarks
from unveilify.core.records import Face, Image

Window = tuple[Image, int, int]
"""A part of the picture and where its top-left corner lies (x, y)."""


def framed(image: Image, share: float) -> Window:
    """The picture (H, W, 3) with black around it, ``share`` times as large: helps with faces that the border cuts."""
    x, y = (round(length * (share - 1) / 2) for length in (image.shape[1], image.shape[0]))
    return np.asarray(cv2.copyMakeBorder(image, y, y, x, x, cv2.BORDER_CONSTANT), np.uint8), -x, -y


def tiles(image: Image, side: int) -> list[Window]:
    """Squares of ``side`` pixels that cover the picture and overlap by at least half."""
    height, width = image.shape[:2]
    corners = [(x, y) for y in _steps(height, side) for x in _steps(width, side)]
    return [(np.ascontiguousarray(image[y : y + side, x : x + side]), x, y) for x, y in corners]


def moved(face: Face, x: float, y: float) -> Face:
    """The face in the pixels of the picture whose window began at (x, y)."""
    points = face.landmarks.points.copy()
    points[:, :2] += np.array([x, y], np.float32)
    box = (face.box[0] + x, face.box[1] + y, face.box[2], face.box[3])
    return Face(Landmarks(points, face.landmarks.scheme), box, face.score, face.presence)


def _steps(length: int, side: int) -> list[int]:
    count = 1 + -(-(length - side) * 2 // side) if length > side else 1
    return [round(i * (length - side) / (count - 1)) for i in range(count)] if count > 1 else [0]
