"""MediaPipe's face mesh: 468 points with depth from a turned square around a face.

Kartynnik et al. 2019, "Real-time Facial Surface Geometry from Monocular Video on Mobile GPUs", arXiv:1907.06724.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from unveilify.core.geometry import Matrix, apply, invert
from unveilify.core.landmarks import Landmarks
from unveilify.core.records import Face, Image
from unveilify.faces.backends._network import Network
from unveilify.faces.warp import warp

Floats = npt.NDArray[np.float32]

INPUT_PX = 192
ENLARGE = 1.5
"""The square is this much larger than the face it was made from."""
EYE_CORNERS = (33, 263)
"""The mesh's outer eye corners, the picture's left first."""


@dataclass(frozen=True, slots=True)
class Region:
    """A turned square in picture pixels: centre (2,), ``side``, and ``angle`` (radians, clockwise on the picture)."""

    centre: Floats
    side: float
    angle: float


def region(points: Floats, left_eye: Floats, right_eye: Floats) -> Region:
    """The square around ``points`` (N, 2), turned so that the eyes are level, and enlarged."""
    dx, dy = np.asarray(right_eye - left_eye, np.float64)
    angle = float(np.arctan2(dy, dx))
    turn = _turn(angle)
    level = points.astype(np.float64) @ turn
    low, high = level.min(0), level.max(0)
    centre = turn @ ((low + high) / 2)
    return Region(centre.astype(np.float32), float((high - low).max()) * ENLARGE, angle)


def box_region(box: Floats, left_eye: Floats, right_eye: Floats) -> Region:
    """As `region`, from a detector's upright box (x0, y0, x1, y1), whose size does not turn with the face."""
    dx, dy = np.asarray(right_eye - left_eye, np.float64)
    side = float(max(box[2] - box[0], box[3] - box[1])) * ENLARGE
    return Region(((box[:2] + box[2:]) / 2).astype(np.float32), side, float(np.arctan2(dy, dx)))


def mesh(net: Network, image: Image, where: Region) -> tuple[Floats, float]:
    """The points (468, 3) in picture pixels, depth in the same unit and 0 near the head's middle; presence 0…1."""
    there = matrix(where, INPUT_PX)
    square = warp(image, there, INPUT_PX, cv2.BORDER_CONSTANT).astype(np.float32) * np.float32(1 / 255)
    believed, points = net(square)
    presence = float(1 / (1 + np.exp(-np.clip(believed.item(), -80, 80))))
    return apply(invert(there), points.reshape(468, 3)).astype(np.float32), presence


def again(net: Network, image: Image, points: Floats, sizes: tuple[float, ...] = (1.0,)) -> tuple[Floats, float]:
    """A second pass: the mesh of the square around the first mesh, which sits better on the face.

    Of several ``sizes`` (factors on the square's side) the mean is given back, and the highest presence.
    """
    left, right = points[EYE_CORNERS[0], :2], points[EYE_CORNERS[1], :2]
    where = region(points[:, :2], left, right)
    found = [mesh(net, image, replace(where, side=where.side * size)) for size in sizes]
    mean = np.stack([points for points, _ in found]).mean(axis=0, dtype=np.float64)
    return np.asarray(mean, np.float32), max(presence for _, presence in found)


def matrix(where: Region, size_px: int) -> Matrix:
    """The similarity (2, 3) from picture pixels to those of the turned square, cut out at ``size_px``."""
    linear = size_px / where.side * _turn(where.angle).T
    return np.column_stack([linear, np.full(2, size_px / 2) - linear @ where.centre.astype(np.float64)])


def face_of(points: Floats, score: float, presence: float) -> Face:
    """The face that a mesh shows; its box is the mesh's."""
    low, high = points[:, :2].min(0), points[:, :2].max(0)
    box = (float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1]))
    return Face(Landmarks(points, "mediapipe468"), box, score, presence)


def _turn(angle: float) -> npt.NDArray[np.float64]:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
