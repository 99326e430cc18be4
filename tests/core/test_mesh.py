"""The face mesh as a surface."""

import numpy as np
import pytest
from numpy.typing import NDArray

from unveilify.core import mesh
from unveilify.core.landmarks import MEAN_FACE, Landmarks, solid_anchors
from unveilify.core.mesh import normals, rigid, surface, trust
from unveilify.core.symmetry import partners

MEAN = surface().mean


def turned(yaw: float, points: NDArray[np.float64] = MEAN) -> NDArray[np.float64]:
    """A face turned to the side, in shares of a picture's side."""
    turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    return points @ turn.T * 0.25 + [0.5, 0.4, 0.0]


def test_the_mean_mesh_is_the_mean_face() -> None:
    found = solid_anchors(Landmarks(MEAN.astype(np.float32), "mediapipe468"))
    for name in ("eye_left", "eye_right", "nose_tip", "mouth_left", "mouth_right", "chin"):
        assert np.abs(found[name][:2] - MEAN_FACE[name][:2]).max() < 0.06, name


def test_the_two_sides_mirror_each_other() -> None:
    np.testing.assert_allclose(MEAN[partners(mesh.POINTS)] * [-1, 1, 1], MEAN, atol=1e-5)


def test_all_triangles_of_the_mean_face_look_at_the_camera() -> None:
    assert (normals(turned(0))[:, 2] > 0).all()
    side = normals(turned(1.2))
    far = MEAN[:, 0] < -0.6
    assert (side[far, 2] > 0).mean() != (side[~far & (MEAN[:, 0] > 0.6), 2] > 0).mean()
    assert trust(turned(0)).max() == 1
    assert trust(turned(1.2), turned(-1.2)).mean() < 0.2


def test_several_faces_have_the_normals_of_each_alone() -> None:
    faces = np.stack([turned(0), turned(0.6), turned(-1.1)])
    assert np.array_equal(normals(faces), np.stack([normals(face) for face in faces]))
    triangles = surface().triangles
    a, b, c = (faces[1][triangles[:, k]] for k in range(3))
    total = np.zeros((mesh.POINTS, 3))
    for k in range(3):
        np.add.at(total, triangles[:, k], np.cross(b - a, c - a))
    np.testing.assert_allclose(normals(faces[1]), total / np.linalg.norm(total, axis=1, keepdims=True), atol=1e-12)


@pytest.mark.parametrize("yaw", [-0.7, 0.0, 0.5])
def test_a_rigid_move_is_found_from_what_no_mask_hides(yaw: float) -> None:
    """The person's own jaw lands where it belongs, whatever jaw the mesh imagines under the mask."""
    own = MEAN.copy()
    own[MEAN[:, 1] > 0.9] *= [1.3, 1.1, 1.0]
    imagined = turned(yaw)
    there = rigid(own, imagined)(own)
    np.testing.assert_allclose(there, turned(yaw, own), atol=1e-6)
    assert np.abs(there - imagined).max() > 0.02


def test_what_is_drawn_lies_where_the_points_lie() -> None:
    points = turned(0.3)
    maps, seen = mesh.draw(points, points[:, :2].copy(), 64)
    y, x = np.nonzero(seen)
    assert 300 < len(x) < 64 * 64
    shown = maps[y, x]
    np.testing.assert_allclose(shown, np.column_stack([(x + 0.5) / 64, (y + 0.5) / 64]), atol=1e-3)
