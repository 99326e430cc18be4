"""Plane similarity transforms as 2×3 matrices that map (x, y, 1) to (x', y')."""

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]
Floats = npt.NDArray[np.floating]


def similarity(source: Floats, target: Floats) -> Matrix:
    """The rotation, uniform scale and shift that take two points ``source`` (2, 2) exactly onto ``target``."""
    (a, b), (c, d) = source.astype(np.float64), target.astype(np.float64)
    ratio = complex(*(d - c)) / complex(*(b - a))
    rotation = np.array([[ratio.real, -ratio.imag], [ratio.imag, ratio.real]])
    return np.column_stack([rotation, c - rotation @ a])


def fit_similarity(source: Floats, target: Floats) -> Matrix:
    """The least-squares similarity (no reflection) from (N, 2) onto (N, 2) points; Umeyama 1991, eqs. 40-42."""
    a, b = source.astype(np.float64), target.astype(np.float64)
    mean_a, mean_b = a.mean(0), b.mean(0)
    u, s, vt = np.linalg.svd((b - mean_b).T @ (a - mean_a))
    sign = np.array([1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    rotation = (u * sign) @ vt
    scale = (s * sign).sum() / ((a - mean_a) ** 2).sum()
    return np.column_stack([scale * rotation, mean_b - scale * rotation @ mean_a])


def apply(matrix: Matrix, points: Floats) -> npt.NDArray[np.float64]:
    """Map (N, 2) points; with (N, 3), depth is scaled along and returned as the third column."""
    plane = points[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    if points.shape[1] == 2:
        return np.asarray(plane, np.float64)
    return np.column_stack([plane, points[:, 2] * scale(matrix)])


def scale(matrix: Matrix) -> float:
    """The uniform scale of a similarity."""
    return float(np.hypot(matrix[0, 0], matrix[1, 0]))


def invert(matrix: Matrix) -> Matrix:
    """The inverse transform."""
    inverse = np.linalg.inv(matrix[:, :2])
    return np.column_stack([inverse, -inverse @ matrix[:, 2]])
