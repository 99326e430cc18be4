"""One contract for every landmark backend: the same named anchors on the same portrait.

A new backend file is picked up by itself; one whose network is not here is skipped with the reason.
"""

import inspect
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from unveilify.core import plugins
from unveilify.core.landmarks import ANCHORS, anchors
from unveilify.faces.backend import Backend, load
from unveilify.weights import Missing

SHARED = Path(os.environ.get("UNVEILIFY_SHARED", Path(__file__).parents[2].parent / "shared"))

PORTRAIT = {
    "eye_left": (204.0, 101.6),
    "eye_right": (247.4, 103.8),
    "eye_left_outer": (194.6, 100.9),
    "eye_left_inner": (213.8, 103.6),
    "eye_right_inner": (237.4, 104.8),
    "eye_right_outer": (256.7, 104.1),
    "nose_bridge": (225.8, 103.7),
    "nose_tip": (224.2, 129.1),
    "mouth_left": (201.8, 139.5),
    "mouth_right": (245.9, 142.2),
    "ear_left": (179.0, 111.1),
    "ear_right": (270.9, 116.3),
    "cheek_left": (179.0, 119.8),
    "cheek_right": (269.8, 125.0),
    "jaw_left": (185.2, 148.4),
    "jaw_right": (260.3, 152.6),
    "chin": (221.3, 175.5),
}
"""The anchors of the portrait as Google's own mediapipe 0.10.21 FaceMesh finds them, in pixels."""
INTEROCULAR = 43.4
WITHIN = {"eye": 0.15, "nose": 0.2, "mouth": 0.15, "chin": 0.25, "ear": 0.4, "cheek": 0.4, "jaw": 0.4}
"""Allowed distance in interocular distances: schemes define the outline differently."""

LOOKED_UP = {"sidecar"}
"""Backends that read landmarks instead of finding them; they have tests of their own."""

CASES = [pytest.param((name, {}), id=name) for name in plugins.names("landmarks") if name not in LOOKED_UP]
CASES += [pytest.param(("insightface", {"model": "scrfd_2.5g_bnkps"}), id="insightface-scrfd")]


@pytest.fixture(scope="module", params=CASES)
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    name, options = request.param
    with pytest.MonkeyPatch.context() as patch:
        if os.environ.get("UNVEILIFY_WEIGHTS") is None and (SHARED / "weights").is_dir():
            patch.setenv("UNVEILIFY_WEIGHTS", str(SHARED / "weights"))
        try:
            made = load(name, options)()
        except Missing as missing:
            pytest.skip(str(missing))
        yield made


def test_the_anchors_lie_where_they_should(backend: Backend, astronaut: NDArray[np.uint8]) -> None:
    face = backend.find(astronaut)[0]
    named = anchors(face.landmarks)
    assert tuple(named) == ANCHORS
    for name, place in PORTRAIT.items():
        away = float(np.linalg.norm(named[name] - place)) / INTEROCULAR
        assert away < WITHIN[name.partition("_")[0]], f"{name} is {away:.2f} interocular distances off"


def test_the_box_holds_the_face(backend: Backend, astronaut: NDArray[np.uint8]) -> None:
    face = backend.find(astronaut)[0]
    x, y, width, height = face.box
    assert x < 200 < 250 < x + width
    assert y < 100 < 140 < y + height
    assert 60 < width < 160
    assert 0 <= face.score <= 1
    assert 0 <= face.presence <= 1


def test_no_face_is_an_empty_list(backend: Backend) -> None:
    for shape in ((1, 1), (7, 300), (300, 7), (160, 160)):
        blank = np.full((*shape, 3), 127, np.uint8)
        assert backend.find(blank) == []
        assert backend.find(blank, masked=True) == []


def test_the_same_picture_gives_the_same_points(backend: Backend, astronaut: NDArray[np.uint8]) -> None:
    one, two = backend.find(astronaut)[0], backend.find(astronaut.copy())[0]
    assert (one.landmarks.points == two.landmarks.points).all()
    assert one.landmarks.points.dtype == np.float32


def test_a_view_with_strides_is_a_picture_too(backend: Backend, astronaut: NDArray[np.uint8]) -> None:
    flipped = astronaut[:, ::-1]
    one, two = backend.find(flipped)[0], backend.find(flipped.copy())[0]
    assert (one.landmarks.points == two.landmarks.points).all()


def test_find_takes_what_the_contract_says(backend: Backend) -> None:
    parameters = inspect.signature(backend.find).parameters
    assert list(parameters)[:1] == ["image"]
    assert {"masked", "path"} <= set(parameters)
