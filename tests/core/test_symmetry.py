"""A mirrored face keeps its numbering: every point takes its partner's number."""

import numpy as np
import pytest
from numpy.typing import NDArray

from unveilify import weights
from unveilify.core.landmark_rows import shares
from unveilify.core.landmarks import ANCHORS, Landmarks, anchors
from unveilify.core.symmetry import mirrored, partners
from unveilify.faces.find import Finder

SIZES = {"five": 5, "ibug68": 68, "wflw98": 98, "insightface106": 106, "mediapipe468": 468}


@pytest.mark.parametrize("scheme", SIZES)
def test_twice_mirrored_is_as_before(scheme: str) -> None:
    count = SIZES[scheme]
    assert (partners(count)[partners(count)] == np.arange(count)).all()
    points = np.random.default_rng(0).random((2, count, 3), np.float32)
    np.testing.assert_allclose(mirrored(mirrored(points)), points, atol=1e-6)
    assert np.isnan(mirrored(points * np.float32(np.nan))).all()


@pytest.mark.parametrize("scheme", SIZES)
def test_mirrored_anchors_are_those_of_the_other_side(scheme: str) -> None:
    points = np.random.default_rng(1).random((SIZES[scheme], 2), np.float32)
    if scheme == "five":  # whose other anchors are completed from these
        points = np.array([[0.4, 0.4], [0.6, 0.4], [0.5, 0.5], [0.42, 0.6], [0.58, 0.61]], np.float32)
    before, after = anchors(Landmarks(points, scheme)), anchors(Landmarks(mirrored(points), scheme))
    swap = {"left": "right", "right": "left"}
    for name in ANCHORS:
        other = "_".join(swap.get(word, word) for word in name.split("_"))
        np.testing.assert_allclose(after[other], before[name] * [-1, 1] + [1, 0], atol=1e-5)


def test_mirrored_points_lie_where_they_are_found_on_the_mirrored_photo(astronaut: NDArray[np.uint8]) -> None:
    finder = Finder()
    face = np.ascontiguousarray(astronaut[:256, 100:356])
    try:
        straight, turned = (finder.find(np.ascontiguousarray(x))[0].landmarks for x in (face, face[:, ::-1]))
    except weights.Missing as missing:
        pytest.skip(str(missing))
    made, found = mirrored(shares(straight.points, 256)), shares(turned.points, 256)
    eyes = anchors(straight)
    unit = float(np.linalg.norm(eyes["eye_right"] - eyes["eye_left"])) / 256
    away = np.linalg.norm(made[:, :2] - found[:, :2], axis=1) / unit
    assert away.max() < 0.15
    unchanged = np.linalg.norm((shares(straight.points, 256) * [-1, 1, 1] + [1, 0, 0])[:, :2] - found[:, :2], axis=1)
    assert np.median(unchanged / unit) > 5 * np.median(away), "without new numbers the points lie elsewhere"
