"""Any way round: a photo without its orientation, and meshes that believe in themselves upside down."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from unveilify.core.landmarks import anchors
from unveilify.core.pictures import decode
from unveilify.faces.find import Finder, find_face
from unveilify.faces.windows import turned, turned_back

Picture = NDArray[np.uint8]


def points(finder: Finder, picture: Picture) -> NDArray[np.float32]:
    face = find_face(finder, picture)
    assert not isinstance(face, str), face
    return face.landmarks.points


def error(finder: Finder, picture: Picture, quarters: int) -> float:
    """Mean distance of the turned picture's landmarks from the upright one's, in interocular distances."""
    upright, (sideways,) = points(finder, picture), finder.find(turned(picture, quarters))
    back = turned_back(sideways, quarters, picture.shape).landmarks.points
    eyes = anchors(finder.find(picture)[0].landmarks)
    apart = np.linalg.norm(eyes["eye_left"] - eyes["eye_right"])
    return float(np.linalg.norm(back[:, :2] - upright[:, :2], axis=1).mean() / apart)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_photo_lying_on_its_side_or_head(finder: Finder, astronaut: Picture, quarters: int) -> None:
    assert error(finder, astronaut, quarters) < 0.1


def test_an_upside_down_face_beside_an_upright_one(finder: Finder, astronaut: Picture) -> None:
    both = np.hstack([astronaut, turned(astronaut, 2)])
    rolls = []
    for face in finder.find(both, everyone=True):
        named = anchors(face.landmarks)
        rolls.append(named["eye_right"][0] > named["eye_left"][0])
    assert sorted(rolls) == [False, True]


@pytest.mark.parametrize("quarters", range(4))
def test_the_way_back_is_exact(finder: Finder, astronaut: Picture, quarters: int) -> None:
    part = astronaut[:300, 60:420]
    (face,) = finder.find(part)
    way_there = turned_back(face, 4 - quarters, turned(part, quarters).shape)
    back = turned_back(way_there, quarters, part.shape)
    np.testing.assert_allclose(back.landmarks.points, face.landmarks.points, atol=1e-3)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_real_portraits_are_right_or_rejected_in_every_turn(finder: Finder, photos: Path, quarters: int) -> None:
    files = sorted((photos / "london_train").glob("*/*.jpg"))[::12]
    assert max(error(finder, decode(file.read_bytes()), quarters) for file in files) < 0.1


def test_a_near_face_does_not_hide_a_far_one(finder: Finder, astronaut: Picture) -> None:
    import cv2

    canvas = np.full((720, 1280, 3), 110, np.uint8)
    canvas[100:612, 20:532] = astronaut
    canvas[200:456, 800:1056] = cv2.resize(astronaut, (256, 256), interpolation=cv2.INTER_AREA)
    far = finder.find(canvas, everyone=True)
    assert len(finder.find(canvas)) == 1
    assert len(far) == 2
    assert sorted(round(face.box[2] / 50) for face in far) == [1, 2]
