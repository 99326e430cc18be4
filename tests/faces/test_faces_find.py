"""Of all faces in a photo the one that is meant is taken, or the photo is left with a reason."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scripted_faces import Scripted, a_face

from unveilify.core.errors import UserError
from unveilify.core.landmarks import anchors
from unveilify.core.records import Face
from unveilify.faces import find
from unveilify.faces.config import QualityConfig
from unveilify.faces.find import Finder, find_face

PHOTO = np.zeros((400, 600, 3), np.uint8)
MIDDLE, CORNER = a_face((250, 140, 100, 120)), a_face((10, 10, 60, 70))
TWINS = a_face((190, 140, 100, 120)), a_face((310, 140, 98, 120))


def chosen(*faces: Face, boxes: tuple[tuple[float, float, float, float], ...] = ()) -> Face | str:
    return find_face(Scripted(list(faces)), PHOTO, boxes)


def test_the_large_central_face_is_meant() -> None:
    assert chosen(CORNER, MIDDLE) is MIDDLE
    assert chosen(MIDDLE, CORNER) is MIDDLE


def test_no_face_has_a_reason() -> None:
    assert chosen() == "no_face"


def test_two_alike_are_ambiguous_unless_a_label_says_who() -> None:
    one, two = TWINS
    assert chosen(one, two) == "ambiguous_face"
    assert chosen(one, two, boxes=(two.box,)) is two
    assert chosen(MIDDLE, CORNER, boxes=(CORNER.box,)) is CORNER
    assert find_face(Scripted([two, one]), PHOTO, (), QualityConfig(ambiguous_within=0)) is one


def test_a_label_where_no_face_lies_is_no_face() -> None:
    assert chosen(MIDDLE, boxes=((0, 300, 50, 50),)) == "no_face"
    assert chosen(MIDDLE, boxes=((900, 900, 50, 50),)) == "no_face"
    assert chosen(MIDDLE, boxes=((10, 10, 0, 0),)) == "no_face"


def test_a_missed_face_is_looked_for_in_its_labelled_box() -> None:
    class Near(Scripted):
        def find(
            self, image: NDArray[np.uint8], *, masked: bool = False, everyone: bool = False, path: str = ""
        ) -> list[Face]:
            super().find(image, masked=masked, path=path)
            return [a_face((50, 50, 100, 100))] if image.shape != PHOTO.shape else [MIDDLE]

    near = Near([])
    found = find_face(near, PHOTO, [(70, 150, 100, 100)], path="a.jpg", masked=True)
    assert isinstance(found, Face)
    assert found.box == (70, 150, 100, 100)
    assert anchors(found.landmarks)["nose_tip"][0] == pytest.approx(120)
    assert near.asked == [(PHOTO.shape, True, "a.jpg"), ((200, 200, 3), True, "")]


def test_the_next_backend_is_asked_only_where_those_before_found_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    backends = {"a": Scripted([]), "b": Scripted([MIDDLE]), "c": Scripted([CORNER])}
    made = []

    def load(name: str, options: dict[str, object]) -> object:
        return lambda: made.append((name, options)) or backends[name]

    monkeypatch.setattr(find, "load", load)
    finder = Finder(" a, b,c", {"b": {"x": 1}})
    assert finder.find(PHOTO, path="p") == [MIDDLE]
    assert finder.find(PHOTO) == [MIDDLE]
    assert made == [("a", {}), ("b", {"x": 1})], "each is made once, and only when it is needed"
    assert not backends["c"].asked


def test_a_wrong_name_or_setting_is_told_at_once() -> None:
    with pytest.raises(UserError, match="did you mean 'mediapipe'"):
        Finder("mediapip")
    with pytest.raises(UserError, match="no setting 'min_scor'; the nearest known one is 'min_score'"):
        Finder("mediapipe", {"mediapipe": {"min_scor": 0.4}})
    with pytest.raises(UserError, match="takes nothing after a colon"):
        Finder("face_alignment:468")
    with pytest.raises(UserError, match="No landmark backend is named"):
        Finder(" , ")


def test_two_real_faces_side_by_side(finder: Finder, astronaut: NDArray[np.uint8]) -> None:
    face = astronaut[20:230, 120:330]
    pair = np.concatenate([face, face[:, ::-1]], axis=1)
    assert find_face(finder, pair) == "ambiguous_face"
    right = find_face(finder, pair, [(270, 40, 100, 130)])
    assert isinstance(right, Face)
    assert right.box[0] > 210
