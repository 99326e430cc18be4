"""Place the mean head on one face: pose by least squares, then a smooth correction that meets every landmark."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from unveilify.core.errors import UserError
from unveilify.core.landmarks import Landmarks, anchors
from unveilify.masks._head import ANCHORS, MESH

Array = npt.NDArray[np.float64]

_SMOOTHING = 0.02
"""How far the correction may miss a landmark (ridge on the kernel matrix): it irons out single bad points."""


@dataclass(frozen=True, slots=True)
class Head:
    """One face in one picture.

    ``rotation`` (3, 3): rows are the picture's right, down and towards-the-viewer in canonical space.
    ``scale``: pixels per distance between the eyes, as if seen from the front. ``shift`` (2,): where the point
    between the eyes lies. ``centres`` (K, 3) and ``weights`` (K + 4, 3) hold the correction.
    """

    rotation: Array
    scale: float
    shift: Array
    centres: Array
    weights: Array

    @property
    def yaw(self) -> float:
        """Radians, about; positive when the face looks to its picture's right, whatever its roll."""
        across = self.rotation[:2, 0] / max(float(np.linalg.norm(self.rotation[:2, 0])), 1e-9)
        return float(np.arctan2(across @ self.rotation[:2, 2], self.rotation[2, 2]))


def fit(landmarks: Landmarks) -> Head:
    """Fit the mean head to ``landmarks`` of any scheme.

    The pose is the scaled orthographic one nearest to the least-squares affine map of the landmarks (with their
    depth where they have one). What is left over is interpolated by a kernel r with a linear part, a polyharmonic
    spline in canonical space.

    Raises:
        UserError: the scheme is unknown, or the points lie on top of each other.
    """
    model, seen = _pairs(landmarks)
    design = np.column_stack([model, np.ones(len(model))])
    if not np.isfinite(seen).all() or np.ptp(seen[:, :2], axis=0).min() < 1e-3:
        raise UserError("The landmarks of a face lie on one line or are not numbers: give landmarks of a whole face.")
    affine = np.asarray(np.linalg.lstsq(design, seen, rcond=None)[0], np.float64)
    rotation, scale = _nearest_rotation(affine[:3].T)
    posed = model @ rotation.T * scale
    shift = (seen[:, :2] - posed[:, :2]).mean(0)
    rest = np.zeros((len(model), 3))
    rest[:, :2] = seen[:, :2] - posed[:, :2] - shift
    return Head(rotation, scale, shift, model, _spline(model, rest))


def project(head: Head, points: Array) -> Array:
    """Canonical points (..., 3) in the picture: x, y in pixels and depth in pixels, larger is nearer."""
    flat = points.reshape(-1, 3)
    kernel = _distances(flat, head.centres)
    count = len(head.centres)
    placed = flat @ (head.rotation.T * head.scale + head.weights[count + 1 :])
    placed += kernel @ head.weights[:count] + head.weights[count]
    placed[:, :2] += head.shift
    return placed.reshape(points.shape)


def _pairs(landmarks: Landmarks) -> tuple[Array, Array]:
    named = anchors(landmarks)
    if landmarks.scheme == "mediapipe468":
        seen = landmarks.points[list(MESH)].astype(np.float64)
        if seen.shape[1] == 3:
            seen = seen * np.array([1.0, 1.0, -1.0])  # canonical depth grows towards the viewer
        return np.array(list(MESH.values())), seen
    return np.array([ANCHORS[n] for n in named]), np.array([named[n] for n in named], np.float64)[:, :2]


def _nearest_rotation(affine: Array) -> tuple[Array, float]:
    """The rotation and scale nearest to a (2 or 3, 3) linear map."""
    if len(affine) == 2:
        u, s, vt = np.linalg.svd(affine, full_matrices=False)
        rows = u @ vt
        return np.vstack([rows, np.cross(rows[0], rows[1])]), float(s.mean())
    # depth is the landmark network's guess: it turns the head but does not scale it
    affine = affine * np.array([[1.0], [1.0], [np.linalg.norm(affine[:2]) / np.sqrt(2) / np.linalg.norm(affine[2])]])
    u, s, vt = np.linalg.svd(affine)
    rotation = u @ np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))]) @ vt
    return rotation, float(s.mean())


def _distances(a: Array, b: Array) -> Array:
    square = (a * a).sum(1)[:, None] + (b * b).sum(1) - 2 * (a @ b.T)
    return np.asarray(np.sqrt(np.maximum(square, 0.0)))


def _spline(centres: Array, values: Array) -> Array:
    count = len(centres)
    kernel = _distances(centres, centres)
    np.fill_diagonal(kernel, -_SMOOTHING)  # a ridge: minus, as the kernel r is conditionally negative definite
    linear = np.column_stack([np.ones(count), centres])
    system = np.block([[kernel, linear], [linear.T, np.zeros((4, 4))]])
    return np.linalg.solve(system, np.vstack([values, np.zeros((4, 3))]))
