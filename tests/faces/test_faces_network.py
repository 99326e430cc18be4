"""The two engines that run the landmark networks: which one does, and that they agree."""

import sys
from importlib.metadata import PackageNotFoundError

import numpy as np
import pytest
from numpy.typing import NDArray

from unveilify import weights
from unveilify.core import stamps
from unveilify.core.errors import UserError
from unveilify.faces.backend import slower
from unveilify.faces.backends import _network
from unveilify.faces.backends._network import _by_litert, _by_opencv, read
from unveilify.faces.find import Finder

Picture = NDArray[np.uint8]


def test_both_engines_find_the_same_points(finder: Finder, astronaut: Picture) -> None:
    """To an eighth of a pixel; nearly all stay on the sixteenth to which landmarks are rounded."""
    pytest.importorskip("ai_edge_litert.interpreter")
    one, other = (Finder(options={"mediapipe": {"engine": name}}).find(astronaut)[0] for name in ("litert", "opencv"))
    assert np.abs(one.landmarks.points - other.landmarks.points).max() < 1 / 8
    sixteenths = [np.rint(16 * face.landmarks.points) for face in (one, other)]
    assert (sixteenths[0] == sixteenths[1]).mean() > 0.9
    assert one.score == pytest.approx(other.score, abs=1e-4)
    assert one.presence == pytest.approx(other.presence, abs=1e-4)


def test_an_engine_says_nothing(finder: Finder, capfd: pytest.CaptureFixture[str]) -> None:
    """LiteRT's library writes to standard error what it has made, past Python's."""
    net = read(weights.fetch("face_landmark"))
    believed, points = net(np.zeros((192, 192, 3), np.float32))
    assert (believed.size, points.size) == (1, 1404)
    assert capfd.readouterr() == ("", "")


def test_without_litert_opencv_runs_them_and_the_stamp_says_so(finder: Finder, monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(name: str) -> str:
        if name == _network.PACKAGE:
            raise PackageNotFoundError(name)
        return "1"

    monkeypatch.setattr(_network, "version", nowhere)
    monkeypatch.setattr(stamps, "version", nowhere)
    path = weights.fetch("face_landmark")
    assert read(path).__qualname__ == _by_opencv(path).__qualname__ != _by_litert.__qualname__
    assert stamps.software()[_network.PACKAGE] == "absent"
    monkeypatch.undo()
    assert stamps.software()["numpy"] == np.__version__


def test_a_broken_engine_is_said_and_no_other_taken_silently(finder: Finder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    monkeypatch.setattr(_network, "version", lambda _: "2.3.0")
    for engine in ("auto", "litert"):
        with pytest.raises(UserError, match=r"ai-edge-litert cannot be loaded .*install it, or remove it"):
            read(weights.fetch("face_landmark"), engine)
    assert read(weights.fetch("face_landmark"), "opencv")


def test_an_engine_is_read_where_there_is_no_standard_error(finder: Finder, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(_: int) -> int:
        raise OSError(9, "Bad file descriptor")

    monkeypatch.setattr(_network.os, "dup", closed)
    assert read(weights.fetch("face_landmark"))


def test_an_engine_is_named_after_a_colon(finder: Finder, astronaut: Picture) -> None:
    by_name = Finder("mediapipe:opencv").find(astronaut)[0].landmarks.points
    by_option = Finder(options={"mediapipe": {"engine": "opencv"}}).find(astronaut)[0].landmarks.points
    assert np.array_equal(by_name, by_option)
    with pytest.raises(UserError, match="tflite"):
        Finder("mediapipe:tflite")


def test_a_machine_without_the_quick_engine_is_told() -> None:
    assert "ai-edge-litert" in slower("insightface, mediapipe", {"ai-edge-litert": "absent"})
    assert not slower("mediapipe", {"ai-edge-litert": "2.1.2"})
    assert not slower("mediapipe:opencv", {"ai-edge-litert": "absent"}), "who asks for OpenCV knows"
    assert not slower("sidecar:marks.csv", {"ai-edge-litert": "absent"})
    assert not slower("mediapipe", {"opencv-python": "4.10"}), "a stamp from before there was a choice"
