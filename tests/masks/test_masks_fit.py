"""Pose and placement of the mean head."""

from math import cos, radians, sin

import numpy as np
import pytest
from numpy.typing import NDArray

from unveilify.core.errors import UserError
from unveilify.core.landmarks import Landmarks, anchors
from unveilify.masks._head import ANCHORS, MESH, half_width, relief
from unveilify.masks.fit import Places, fit, place, project

Array = NDArray[np.float64]


def turned(yaw: float, pitch: float, roll: float) -> tuple[Array, Landmarks]:
    """The mean head itself at 50 px between the eyes, in a known pose (degrees), as mesh landmarks."""
    y, p, r = radians(yaw), radians(pitch), radians(roll)
    about_y = np.array([[cos(y), 0, sin(y)], [0, 1, 0], [-sin(y), 0, cos(y)]])
    about_x = np.array([[1, 0, 0], [0, cos(p), sin(p)], [0, -sin(p), cos(p)]])
    about_z = np.array([[cos(r), -sin(r), 0], [sin(r), cos(r), 0], [0, 0, 1]])
    rotation = about_z @ about_x @ about_y
    points = np.zeros((468, 3))
    points[list(MESH)] = np.array(list(MESH.values())) @ rotation.T * 50
    points[:, 2] *= -1
    points[:, :2] += 200
    return rotation, Landmarks(points.astype(np.float32), "mediapipe468")


@pytest.mark.parametrize("pose", [(0, 0, 0), (30, 0, 0), (-60, 5, 10), (20, 20, -30), (0, -25, 80)])
def test_a_known_pose_is_found_again(pose: tuple[float, float, float]) -> None:
    rotation, landmarks = turned(*pose)
    head = fit(landmarks)
    assert np.allclose(head.rotation, rotation, atol=1e-3)
    assert head.scale == pytest.approx(50, rel=1e-3)
    assert np.degrees(head.yaw) == pytest.approx(pose[0], abs=5)


def test_landmarks_are_met(any_scheme: Landmarks) -> None:
    head = fit(any_scheme)
    if any_scheme.scheme == "mediapipe468":
        pairs = [(place, any_scheme.points[index, :2]) for index, place in MESH.items()]
    else:
        pairs = [(ANCHORS[name], seen) for name, seen in anchors(any_scheme).items()]
    for known, seen in pairs:
        assert np.linalg.norm(project(head, np.array(known))[:2] - seen) < 0.08 * head.scale


def test_fixed_places_lie_where_they_are_projected(any_scheme: Landmarks, mesh: Landmarks) -> None:
    places = Places(np.random.default_rng(0).normal(size=(30, 3)))
    for landmarks in (any_scheme, mesh, any_scheme):  # another scheme in between must not be remembered
        head = fit(landmarks)
        assert np.allclose(place(head, places), project(head, places.points))


def test_one_wild_point_does_not_tear_the_mask(mesh: Landmarks) -> None:
    points = mesh.points.copy()
    points[152, :2] += 10
    places = np.array([[0.0, 0.5, 0.7], [0.8, 0.6, 0.0]])
    moved = project(fit(Landmarks(points, mesh.scheme)), places) - project(fit(mesh), places)
    assert np.abs(moved[:, :2]).max() < 3


def test_points_of_no_face_are_refused() -> None:
    with pytest.raises(UserError, match="whole face"):
        fit(Landmarks(np.zeros((468, 3), np.float32), "mediapipe468"))
    with pytest.raises(UserError, match="whole face"):
        fit(Landmarks(np.full((468, 3), np.nan, np.float32), "mediapipe468"))
    with pytest.raises(UserError, match="468"):
        fit(Landmarks(np.zeros((5, 2), np.float32), "mediapipe468"))


def test_the_mean_face_has_a_nose_and_is_symmetric() -> None:
    x, y = np.array([0.0, 0.6, -0.6]), np.array([0.5, 0.5, 0.5])
    nose, right, left = relief(x, y)
    assert nose > 0.6
    assert right == pytest.approx(left, abs=1e-6)
    assert right < 0.25
    assert half_width(np.array([2.0]))[0] == 0
