"""The face mesh as a surface: its triangles, its mirror, and how one face is laid into the pose of another.

The mesh is that of the scheme ``mediapipe468``. ``face_mesh.npz`` holds the mean of the meshes found on 88 frontal neutral
portraits (Face Research Lab London Set, CC BY 4.0), made symmetric, in the frame and unit of
`landmarks.MEAN_FACE`; its triangles are the Delaunay triangulation of the mean, unrolled from a cylinder.
"""

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from unveilify.core.raster import raster

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

POINTS = 468
NEVER_HIDDEN = 0.2
"""Points of the mean face down to here, in interocular distances below the eyes, are those that no mask hides."""
GRAZING, PLAIN = 0.15, 0.6
"""Cosines of the angle between a surface and the line of sight: up to the first it shows nothing that can be
trusted, from the second on all."""


@dataclass(frozen=True, slots=True)
class Surface:
    """``mean`` (468, 3); ``triangles`` (T, 3), clockwise on the picture where they face the camera;
    ``visible`` (V,): points that a mask never hides."""

    mean: Array
    triangles: Ints
    visible: Ints

    @property
    def hidden(self) -> Ints:
        """The other points, which a mask may hide: (468 - V,)."""
        return np.setdiff1d(np.arange(POINTS), self.visible)

    @property
    def unrolled(self) -> Array:
        """The mean face unrolled from a cylinder onto a square picture: (468, 2) in shares of its side."""
        x, y, z = self.mean.T
        angle = np.arctan2(x, z.max() + 0.15 - z)
        return np.column_stack([0.5 + angle / 3.0, (y + 0.9) / 2.75])


@dataclass(frozen=True, slots=True)
class Similarity:
    """``scale * rotation @ point + shift`` in three dimensions."""

    scale: float
    rotation: Array
    shift: Array

    def __call__(self, points: npt.NDArray[np.floating]) -> Array:
        """(N, 3) -> (N, 3)."""
        return np.asarray(self.scale * points.astype(np.float64) @ self.rotation.T + self.shift)

    def undone(self, points: npt.NDArray[np.floating]) -> Array:
        """(N, 3), moved, -> (N, 3), where they came from."""
        return np.asarray((points - self.shift) @ self.rotation / self.scale)


@lru_cache(maxsize=1)
def surface() -> Surface:
    """The mesh."""
    with files("unveilify.core").joinpath("face_mesh.npz").open("rb") as file:
        stored = np.load(file, allow_pickle=False)
        mean, triangles = (stored[name] for name in ("mean", "triangles"))
    visible = np.flatnonzero(mean[:, 1] < NEVER_HIDDEN)
    return Surface(mean.astype(np.float64), triangles.astype(np.int64), visible)


def rigid(source: npt.NDArray[np.floating], target: npt.NDArray[np.floating], at: Ints | None = None) -> Similarity:
    """The similarity that takes the mesh ``source`` (468, 3) to ``target``, fitted on the points ``at``.

    Without ``at`` these are the points that a mask never hides: the rest of ``source`` then lands where that
    person's own jaw and mouth would be in the pose of ``target``. Umeyama 1991, eqs. 40-42.
    """
    at = surface().visible if at is None else at
    a, b = source[at].astype(np.float64), target[at].astype(np.float64)
    mean_a, mean_b = a.mean(0), b.mean(0)
    u, s, vt = np.linalg.svd((b - mean_b).T @ (a - mean_a))
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = np.asarray((u * sign) @ vt, np.float64)
    scale = float((s * sign).sum() / np.square(a - mean_a).sum())
    return Similarity(scale, rotation, mean_b - scale * rotation @ mean_a)


def normals(points: npt.NDArray[np.floating]) -> Array:
    """Unit normals (..., 468, 3) of surfaces; z is positive where they face the camera."""
    triangles, owners, begins = _corners()
    a, b, c = (np.take(points, triangles[:, k], -2).astype(np.float64) for k in range(3))
    normal = _cross(b - a, c - a)
    total = np.add.reduceat(np.take(normal, owners, -2), begins, -2)
    return np.asarray(total / np.maximum(np.sqrt(np.square(total).sum(-1, keepdims=True)), 1e-9))


@lru_cache(maxsize=1)
def _corners() -> tuple[Ints, Ints, Ints]:
    """The triangles; which of them meet at each point, point by point; and where each point's begin."""
    triangles = surface().triangles
    order = np.argsort(triangles.T.ravel(), kind="stable")
    return triangles, order % len(triangles), np.searchsorted(triangles.T.ravel()[order], np.arange(POINTS))


def _cross(a: Array, b: Array) -> Array:
    """As `np.cross` of (..., 3), which takes four times as long."""
    after, before = [1, 2, 0], [2, 0, 1]
    return np.asarray(a[..., after] * b[..., before] - a[..., before] * b[..., after])


def draw(points: npt.NDArray[np.floating], values: Array, size_px: int) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Interpolate per-point ``values`` (..., 468, K) over pictures: (..., S, S, K), and where a mesh is seen (..., S, S).

    ``points`` (..., 468, 3) are in shares of the picture's side; where a mesh folds, what is nearest to the camera is
    seen, and what is turned away never.
    """
    vertices = points.astype(np.float64) * size_px * [1, 1, -1]
    vertices[..., :2] -= 0.5
    return raster(vertices, surface().triangles, values, (size_px, size_px))


def trust(*views: npt.NDArray[np.floating]) -> Array:
    """How far each point (..., 468) can be trusted, 0…1, that is seen in all these poses (..., 468, 3) of faces."""
    squarely = np.min([normals(view)[..., 2] for view in views], 0)
    return np.asarray(np.clip((squarely - GRAZING) / (PLAIN - GRAZING), 0, 1), np.float64)
