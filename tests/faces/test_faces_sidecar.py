"""Landmarks from a file: both formats say the same, and what is wrong is named."""

import json
from pathlib import Path

import numpy as np
import pytest

from unveilify.core.errors import UserError
from unveilify.core.landmarks import anchors
from unveilify.faces.backends.sidecar import Backend, Config
from unveilify.faces.find import Finder, find_face

PHOTO = np.zeros((200, 300, 3), np.uint8)
FIVE = [[100, 80], [140, 80], [120, 100], [105, 120], [135, 120]]


def flat(points: list[list[int]], names: str = "xy") -> tuple[str, str]:
    header = ",".join(f"{name}{i}" for i in range(len(points)) for name in names)
    return header, ",".join(str(value) for point in points for value in point)


def csv_file(folder: Path, *lines: str) -> Path:
    path = folder / "marks.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_csv_and_json_say_the_same(tmp_path: Path) -> None:
    header, values = flat(FIVE)
    table = csv_file(tmp_path, f"photo,{header}", f"a/b.jpg,{values}", "", f".\\c d.jpg,{values}")
    tree = tmp_path / "marks.json"
    tree.write_text(json.dumps({"a/b.jpg": [{"points": FIVE}], "c d.jpg": [{"points": FIVE}]}))
    for file in (table, tree):
        backend = Backend(Config(file=file))
        for path in ("a/b.jpg", "c d.jpg"):
            (face,) = backend.find(PHOTO, path=path)
            assert face.landmarks.scheme == "five"
            np.testing.assert_array_equal(face.landmarks.points, FIVE)
            assert face.box[0] < 100 < 140 < face.box[0] + face.box[2]
            assert face.box[1] < 80 < 130 < face.box[1] + face.box[3]
        assert backend.find(PHOTO, path="other.jpg") == []
        assert backend.find(PHOTO) == []


def test_the_number_of_points_is_the_scheme(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for count, scheme in ((68, "ibug68"), (98, "wflw98"), (106, "insightface106"), (468, "mediapipe468")):
        header, values = flat(rng.integers(0, 200, (count, 3)).tolist(), "xyz")
        (face,) = Backend(Config(file=csv_file(tmp_path, f"photo,{header}", f"p,{values}"))).find(PHOTO, path="p")
        assert face.landmarks.scheme == scheme
        assert face.landmarks.points.shape == (count, 3)
        assert "chin" in anchors(face.landmarks)


def test_several_faces_come_most_prominent_first(tmp_path: Path) -> None:
    small = (np.array(FIVE) * 0.3).astype(int).tolist()
    lines = [f"p,{flat(small)[1]}", f"p,{flat(FIVE)[1]}"]
    backend = Backend(Config(file=csv_file(tmp_path, f"photo,{flat(FIVE)[0]}", *lines)))
    first, second = backend.find(PHOTO, path="p")
    assert first.box[2] > second.box[2]


def test_it_stands_in_front_of_another_backend(tmp_path: Path) -> None:
    file = csv_file(tmp_path, f"photo,{flat(FIVE)[0]}", f"p,{flat(FIVE)[1]}")
    finder = Finder(f"sidecar:{file}")
    assert not isinstance(find_face(finder, PHOTO, path="p"), str)
    assert find_face(finder, PHOTO, path="q") == "no_face"
    assert find_face(finder, PHOTO, [(0, 0, 20, 20)], path="p") == "no_face"


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["name,x0,y0"], "must begin with the header photo,x0,y0"),
        (["photo,x0,y0,x1,y1", "p,1,2,3,4"], "line 2: 2 points are no landmark scheme"),
        (["photo,x0,y0", "p,1,two"], "line 2: coordinates must be numbers, two for each point"),
        (["photo,x0,y0", "p,1,2,3"], "line 2: coordinates must be numbers"),
        (["photo,x0,y0", "p," + ",".join(["nan"] * 10)], "finite"),
        ([""], "must begin with the header"),
    ],
)
def test_a_wrong_csv_is_told_with_its_line(tmp_path: Path, lines: list[str], says: str) -> None:
    with pytest.raises(UserError, match=says):
        Backend(Config(file=csv_file(tmp_path, *lines)))


@pytest.mark.parametrize(
    "text", ["[]", '{"p": {}}', '{"p": [[1, 2]]}', '{"p": [{"points": [[1], 2]}]}', "{", '{"p": 3}']
)
def test_a_wrong_json_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "marks.json"
    path.write_text(text)
    with pytest.raises(UserError, match=r"marks\.json"):
        Backend(Config(file=path))


def test_no_file_and_wrong_size_are_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="needs a CSV or JSON file"):
        Backend(Config())
    with pytest.raises(UserError, match="finds no file"):
        Backend(Config(file=tmp_path / "none.csv"))
    far = (np.array(FIVE) + 1000).tolist()
    backend = Backend(Config(file=csv_file(tmp_path, f"photo,{flat(far)[0]}", f"p,{flat(far)[1]}")))
    with pytest.raises(UserError, match="outside the photo, which is 300 x 200"):
        backend.find(PHOTO, path="p")
