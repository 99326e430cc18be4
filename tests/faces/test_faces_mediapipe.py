"""The default backend: its cascade finds small, cut-off, turned and masked faces."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from unveilify.core import geometry
from unveilify.core.landmarks import anchors
from unveilify.faces.backends import mediapipe
from unveilify.faces.backends.mediapipe import Config
from unveilify.faces.find import Finder
from unveilify.faces.prominence import drop_repeats, shared
from unveilify.faces.windows import framed, tiles

Picture = NDArray[np.uint8]
EYES = ("eye_left", "eye_right")


def eyes(finder: Finder, picture: Picture, *, masked: bool = False) -> NDArray[np.float32]:
    named = anchors(finder.find(picture, masked=masked)[0].landmarks)
    return np.stack([named[name] for name in EYES])


def warped(picture: Picture, matrix: geometry.Matrix, size: tuple[int, int]) -> Picture:
    return np.asarray(cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_AREA, borderValue=(90, 110, 120)), np.uint8)


@pytest.mark.parametrize("face_px", [120, 70, 50])
def test_a_small_face_in_a_large_photo(finder: Finder, astronaut: Picture, face_px: int) -> None:
    ratio = face_px / 100
    matrix = np.array([[ratio, 0, 700.0], [0, ratio, 250]])
    found = eyes(finder, warped(astronaut[:300], matrix, (1280, 720)))
    wanted = geometry.apply(matrix, eyes(finder, astronaut))
    assert np.linalg.norm(found - wanted, axis=1).max() < 0.1 * np.linalg.norm(wanted[1] - wanted[0])


def test_a_large_photo_shows_what_a_small_one_does(
    finder: Finder, astronaut: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its pixels are averaged in blocks first, and only what is left is resampled for the detector."""
    large = np.asarray(cv2.resize(astronaut, None, fx=6, fy=6, interpolation=cv2.INTER_CUBIC), np.uint8)
    resampled: list[int] = []
    resize = cv2.resize

    def counted(image: Picture, size: tuple[int, int], **how: int) -> object:
        if size[0] * (image.shape[1] // size[0]) != image.shape[1] or max(size) == 128:
            resampled.append(image.size)
        return resize(image, size, **how)

    monkeypatch.setattr(cv2, "resize", counted)
    found = (eyes(finder, large) + 0.5) / 6 - 0.5
    assert max(resampled) < large.size / 10
    wanted = eyes(finder, astronaut)
    assert np.linalg.norm(found - wanted, axis=1).max() < 0.01 * np.linalg.norm(wanted[1] - wanted[0])


@pytest.mark.parametrize("shape", [(1, 4000), (4000, 3), (1025, 1023)])
def test_pictures_of_every_shape_fit_the_detector(finder: Finder, shape: tuple[int, int]) -> None:
    assert finder.find(np.zeros((*shape, 3), np.uint8)) == []


def test_a_face_cut_by_the_border(finder: Finder, astronaut: Picture) -> None:
    found = eyes(finder, astronaut[85:190, 175:275])
    np.testing.assert_allclose(found + np.array([175, 85]), eyes(finder, astronaut), atol=5)


@pytest.mark.parametrize("degrees", [-30, 15, 30])
def test_a_turned_face(finder: Finder, astronaut: Picture, degrees: float) -> None:
    matrix = np.asarray(cv2.getRotationMatrix2D((225.0, 120.0), degrees, 1), np.float64)
    wanted = geometry.apply(matrix, eyes(finder, astronaut))
    np.testing.assert_allclose(eyes(finder, warped(astronaut, matrix, (512, 512))), wanted, atol=3)


def test_any_number_of_threads_gives_the_same_points(finder: Finder, astronaut: Picture) -> None:
    before = cv2.getNumThreads()
    try:
        found = []
        for threads in (1, 4):
            cv2.setNumThreads(threads)
            found.append(finder.find(astronaut)[0].landmarks.points)
    finally:
        cv2.setNumThreads(before)
    np.testing.assert_array_equal(*found)


def test_presence_gates_bare_faces_and_not_masked_ones(astronaut: Picture, finder: Finder) -> None:
    strict = Finder("mediapipe", {"mediapipe": Config(min_presence=1.0, tiles=False).model_dump()})
    covered = astronaut.copy()
    covered[118:185, 170:280] = (120, 160, 200)
    assert strict.find(covered) == []
    assert np.abs(eyes(strict, covered, masked=True) - eyes(finder, astronaut)).max() < 6


def test_noise_holds_no_face(finder: Finder) -> None:
    rng = np.random.default_rng(0)
    for height, width in ((2, 900), (130, 129), (401, 640)):
        noise = rng.integers(0, 256, (height, width, 3)).astype(np.uint8)
        assert finder.find(noise) == []


@given(st.integers(1, 300), st.integers(1, 300), st.integers(16, 120))
def test_tiles_cover_the_picture_and_overlap(height: int, width: int, side: int) -> None:
    side = min(side, height, width)
    seen = np.zeros((height, width), int)
    windows = tiles(np.zeros((height, width, 3), np.uint8), side)
    for window, x, y in windows:
        assert window.shape[:2] == (side, side)
        seen[y : y + side, x : x + side] += 1
    assert seen.min() > 0
    for starts in ({x for _, x, _ in windows}, {y for _, _, y in windows}):
        assert all(step <= side // 2 + 1 for step in np.diff(sorted(starts)))


def test_a_frame_leads_back_to_the_picture() -> None:
    picture = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    window, x, y = framed(picture, 2.0)
    np.testing.assert_array_equal(window[-y : 4 - y, -x : 5 - x], picture)
    assert window.shape[:2] == (8, 10) or window.shape[:2] == (8, 9)


def test_of_repeats_the_best_scored_stays(finder: Finder, astronaut: Picture) -> None:
    (face,) = finder.find(astronaut)
    assert drop_repeats([face, face]) == [face]
    assert shared((0, 0, 10, 10), (5, 5, 2, 2)) == 1
    assert shared((0, 0, 10, 10), (10, 0, 5, 5)) == 0
    assert shared((0, 0, 0, 0), (0, 0, 5, 5)) == 0


def test_a_face_that_several_windows_show_is_meshed_once(
    finder: Finder, astronaut: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A masked face is looked for in the picture and in the framed picture at once; it is one face."""
    small = np.asarray(cv2.resize(astronaut[:300, 80:380], (250, 250), interpolation=cv2.INTER_AREA), np.uint8)
    detections, meshes = [0], [0]
    detect, mesh = mediapipe.detect, mediapipe.mesh

    def detected(*given: object) -> object:
        found = detect(*given)
        detections[0] += len(found)
        return found

    def meshed(*given: object) -> object:
        meshes[0] += 1
        return mesh(*given)

    monkeypatch.setattr(mediapipe, "detect", detected)
    monkeypatch.setattr(mediapipe, "mesh", meshed)
    assert len(finder.find(small, masked=True)) == 1
    assert (detections[0], meshes[0]) == (2, 1)
