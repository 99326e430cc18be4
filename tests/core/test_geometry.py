import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unveilify.core import geometry

turns = st.floats(-3, 3)
sizes = st.floats(0.1, 10)
shifts = st.floats(-100, 100)


def matrix(turn: float, size: float, x: float, y: float) -> geometry.Matrix:
    c, s = size * np.cos(turn), size * np.sin(turn)
    return np.array([[c, -s, x], [s, c, y]])


@given(turns, sizes, shifts, shifts)
def test_similarity_is_found_again(turn: float, size: float, x: float, y: float) -> None:
    wanted = matrix(turn, size, x, y)
    source = np.array([[0.0, 0], [10, 3], [4, 9]])
    target = geometry.apply(wanted, source)
    assert geometry.similarity(source[:2], target[:2]) == pytest.approx(wanted, abs=1e-6)
    assert geometry.fit_similarity(source, target) == pytest.approx(wanted, abs=1e-6)
    assert geometry.scale(wanted) == pytest.approx(size)


@given(turns, sizes, shifts, shifts)
def test_invert_undoes_apply(turn: float, size: float, x: float, y: float) -> None:
    there = matrix(turn, size, x, y)
    points = np.array([[1.0, 2], [3, 4]])
    assert geometry.apply(geometry.invert(there), geometry.apply(there, points)) == pytest.approx(points, abs=1e-6)


def test_depth_is_scaled_along() -> None:
    moved = geometry.apply(matrix(0.5, 2, 7, 7), np.array([[0.0, 0, 3]]))
    assert moved[0, 2] == pytest.approx(6)
