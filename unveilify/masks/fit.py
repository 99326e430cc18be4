"""Place the mean head on one face: pose by least squares, then a smooth correction that meets every landmark."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from unveilify.core.errors import PhotoError
from unveilify.core.landmarks import Landmarks, anchors
from unveilify.masks._head import ANCHORS, MESH

Array = npt.NDArray[np.float64]

_VERTICES = np.array(list(MESH))
_SMOOTHING = 0.02
"""How far the correction may miss a landmark (ridge on the kernel matrix): it irons out single bad points."""


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """What fitting the mean head to one scheme needs and no photo changes.

    ``points`` (K, 3): the landmarks on the mean head. ``affine`` (4, K): least squares, from seen to affine map.
    ``spline`` (K + 4, K): from what is left over to the weights of the correction.
    """

    points: Array
    affine: Array
    spline: Array


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Canonical ``points`` (N, 3) that are the same for every face: `place` is quicker than `project` with them."""

    points: Array


@dataclass(frozen=True, slots=True)
class Head:
    """One face in one picture.

    ``rotation`` (3, 3): rows are the picture's right, down and towards-the-viewer in canonical space.
    ``scale``: pixels per distance between the eyes, as if seen from the front. ``warp`` (K + 4, 3): from distances
    to the model's points, 1 and the canonical coordinates to pixels.
    """

    model: Model
    rotation: Array
    scale: float
    warp: Array

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
    model, seen = _pair(landmarks)
    if not np.isfinite(seen).all() or (seen[:, :2].max(0) - seen[:, :2].min(0)).min() < 1e-3:
        raise PhotoError("The landmarks of a face lie on one line or are not numbers: give landmarks of a whole face.")
    affine = model.affine @ seen
    rotation, scale = _nearest_rotation(affine[:3].T)
    posed = model.points @ (rotation[:2].T * scale)
    rest = seen[:, :2] - posed
    shift = rest.mean(0)
    warp = np.zeros((len(posed) + 4, 3))
    warp[:, :2] = model.spline @ (rest - shift)
    warp[-4, :2] += shift
    warp[-3:] += rotation.T * scale
    return Head(model, rotation, scale, warp)


def project(head: Head, points: Array) -> Array:
    """Canonical points (..., 3) in the picture: x, y in pixels and depth in pixels, larger is nearer."""
    return (_terms(points.reshape(-1, 3), head.model.points) @ head.warp).reshape(points.shape)


def place(head: Head, places: Places) -> Array:
    """As `project`, (N, 3)."""
    return _terms_of(places, head.model) @ head.warp


@lru_cache(maxsize=64)
def _terms_of(places: Places, model: Model) -> Array:
    return _terms(places.points, model.points)


def _terms(points: Array, centres: Array) -> Array:
    """(N, K + 4): distances to the K centres, 1, x, y, h."""
    count = len(centres)
    terms = np.empty((len(points), count + 4))
    kernel = terms[:, :count]
    np.matmul(points, -2 * centres.T, out=kernel)
    kernel += (points * points).sum(1)[:, None]
    kernel += (centres * centres).sum(1)
    np.sqrt(np.maximum(kernel, 0, out=kernel), out=kernel)
    terms[:, count] = 1
    terms[:, count + 1 :] = points
    return terms


def _pair(landmarks: Landmarks) -> tuple[Model, Array]:
    """The model of a scheme, and its landmarks as they are seen, (K, 2 or 3)."""
    if landmarks.scheme == "mediapipe468" and len(landmarks.points) == 468:
        seen = landmarks.points[_VERTICES].astype(np.float64)
        seen[:, 2:] *= -1  # canonical depth grows towards the viewer
        return _model(None), seen
    named = anchors(landmarks)
    return _model(tuple(named)), np.array(list(named.values()), np.float64)[:, :2]


@lru_cache(maxsize=8)
def _model(names: tuple[str, ...] | None) -> Model:
    """The model of the 468-point mesh (None), or of anchors of these names."""
    points = np.array(list(MESH.values()) if names is None else [ANCHORS[name] for name in names], np.float64)
    count = len(points)
    terms = _terms(points, points)
    # a ridge: minus, as the kernel r is conditionally negative definite
    np.fill_diagonal(terms, -_SMOOTHING)
    system = np.block([[terms], [terms[:, count:].T, np.zeros((4, 4))]])
    design = np.column_stack([points, np.ones(count)])
    return Model(points, np.linalg.pinv(design), np.linalg.inv(system)[:, :count])


def _nearest_rotation(affine: Array) -> tuple[Array, float]:
    """The rotation and scale nearest to a (2 or 3, 3) linear map."""
    if len(affine) == 2:
        u, s, vt = np.linalg.svd(affine, full_matrices=False)
        rows = u @ vt
        return np.vstack([rows, np.cross(rows[0], rows[1])]), float(s.mean())
    # depth is the landmark network's guess: it turns the head but does not scale it
    affine = affine * np.array([[1.0], [1.0], [np.linalg.norm(affine[:2]) / np.sqrt(2) / np.linalg.norm(affine[2])]])
    u, s, vt = np.linalg.svd(affine)
    u[:, 2] *= np.sign(np.linalg.det(u @ vt))
    return u @ vt, float(s.mean())
