"""Parts and turns of a picture that a detector is shown, and the way back to the picture's own pixels."""

from typing import Any

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


def turned(image: Image, quarters: int) -> Image:
    """The picture (H, W, 3) turned anticlockwise."""
    return np.ascontiguousarray(np.rot90(image, quarters))


def turned_back(face: Face, quarters: int, shape: tuple[int, ...]) -> Face:
    """A face of the turned picture in the pixels of the picture of ``shape`` (H, W, …) that was turned."""
    right, bottom = shape[1] - 1, shape[0] - 1

    def back(x: Any, y: Any) -> Any:
        return ((x, y), (right - y, x), (right - x, bottom - y), (y, bottom - x))[quarters % 4]

    points = face.landmarks.points.copy()
    points[:, 0], points[:, 1] = back(*face.landmarks.points.T[:2])
    x, y, width, height = face.box
    (x0, y0), (x1, y1) = back(x, y), back(x + width, y + height)
    box = (min(x0, x1), min(y0, y1), abs(x1 - x0), abs(y1 - y0))
    return Face(Landmarks(points, face.landmarks.scheme), box, face.score, face.presence)


def _steps(length: int, side: int) -> list[int]:
    count = 1 + -(-(length - side) * 2 // side) if length > side else 1
    return [round(i * (length - side) / (count - 1)) for i in range(count)] if count > 1 else [0]
