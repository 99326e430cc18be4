"""Every scheme yields the same named anchors, and moving or rounding landmarks keeps them true."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unveilify.core import geometry
from unveilify.core.errors import UserError
from unveilify.core.landmarks import ANCHORS, MEAN_FACE, Landmarks, anchors, quantise, solid_anchors, transform

SIZES = {"five": 5, "ibug68": 68, "wflw98": 98, "insightface106": 106, "mediapipe468": 468}


def random(scheme: str, seed: int = 0, depth: bool = False) -> Landmarks:
    rng = np.random.default_rng(seed)
    return Landmarks(rng.uniform(0, 300, (SIZES[scheme], 3 if depth else 2)).astype(np.float32), scheme)


def five_of_the_mean_face() -> Landmarks:
    names = ("eye_left", "eye_right", "nose_tip", "mouth_left", "mouth_right")
    return Landmarks(np.array([MEAN_FACE[name][:2] for name in names], np.float32) * 60 + 100, "five")


@pytest.mark.parametrize("scheme", SIZES)
def test_every_scheme_yields_every_anchor(scheme: str) -> None:
    named = anchors(random(scheme))
    assert tuple(named) == ANCHORS
    assert all(place.shape == (2,) and np.isfinite(place).all() for place in named.values())


@pytest.mark.parametrize("scheme", SIZES)
def test_anchors_move_with_the_landmarks(scheme: str) -> None:
    matrix = geometry.similarity(np.array([[0.0, 0], [1, 0]]), np.array([[5.0, 7], [5.8, 8.1]]))
    marks = random(scheme)
    moved = anchors(transform(marks, matrix))
    for name, place in anchors(marks).items():
        np.testing.assert_allclose(moved[name], geometry.apply(matrix, place[None])[0], atol=0.01)


def test_depth_is_scaled_and_kept() -> None:
    marks = random("mediapipe468", depth=True)
    double = transform(marks, np.array([[2.0, 0, 1], [0, 2, 1]]))
    np.testing.assert_allclose(double.points[:, 2], marks.points[:, 2] * 2)
    assert solid_anchors(marks)["chin"].shape == (3,)
    assert anchors(marks)["chin"].shape == (2,)


def test_five_points_are_completed_by_the_mean_face() -> None:
    named = anchors(five_of_the_mean_face())
    for name, place in MEAN_FACE.items():
        np.testing.assert_allclose((named[name] - 100) / 60, place[:2], atol=1e-3)


def test_a_turned_face_foreshortens_the_completed_outline() -> None:
    angle = np.radians(30)
    turn = np.array([[np.cos(angle), 0, -np.sin(angle)], [0, 1, 0], [np.sin(angle), 0, np.cos(angle)]])
    solid = {name: turn @ place for name, place in MEAN_FACE.items()}
    five = np.array([solid[n][:2] for n in ("eye_left", "eye_right", "nose_tip", "mouth_left", "mouth_right")])
    named = anchors(Landmarks(five.astype(np.float32), "five"))
    for name in ("ear_left", "ear_right", "chin", "jaw_left", "jaw_right"):
        np.testing.assert_allclose(named[name], solid[name][:2], atol=0.02)


@given(st.integers(0, 2**32 - 1))
def test_rounding_is_to_a_sixteenth_and_once_is_enough(seed: int) -> None:
    marks = random("ibug68", seed)
    rounded = quantise(marks)
    assert np.abs(rounded.points - marks.points).max() <= 1 / 32
    assert (rounded.points * 16 == np.round(rounded.points * 16)).all()
    assert (quantise(rounded).points == rounded.points).all()


def test_what_is_no_scheme_is_told() -> None:
    with pytest.raises(UserError, match="there are: five, ibug68"):
        anchors(Landmarks(np.zeros((21, 2), np.float32), "hand21"))
    with pytest.raises(UserError, match="has 68 points"):
        anchors(Landmarks(np.zeros((5, 2), np.float32), "ibug68"))
    with pytest.raises(UserError, match="has 5 points"):
        anchors(Landmarks(np.zeros((5,), np.float32), "five"))
