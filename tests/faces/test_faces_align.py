"""The face crop puts the eyes in one place, whatever the face's size, turn or mask."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scripted_faces import a_face

from unveilify.core import geometry
from unveilify.core.errors import UserError
from unveilify.core.landmarks import Landmarks, anchors, transform
from unveilify.core.records import Face
from unveilify.faces.align import crop, eyes
from unveilify.faces.find import Finder, find_face
from unveilify.faces.warp import outside_share, warp


@settings(max_examples=30)
@given(st.floats(-180, 180), st.floats(0.3, 3), st.sampled_from([64, 128, 256]))
def test_eyes_come_to_lie_in_one_place(angle: float, scale: float, size: int) -> None:
    turn = np.radians(angle)
    matrix = scale * np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0]])
    marks = transform(a_face((0, 0, 200, 240)).landmarks, matrix)
    cut = crop(np.zeros((50, 60, 3), np.uint8), marks, size)
    named = anchors(cut.landmarks)
    found = np.stack([named["eye_left"], named["eye_right"]])
    np.testing.assert_allclose(found, eyes(size), atol=0.05 + 0.05 * size / 64 / scale)
    assert cut.image.shape == (size, size, 3)
    assert (cut.landmarks.points * 16 % 1 == 0).all()


def test_a_crop_of_a_crop_is_the_crop(astronaut: NDArray[np.uint8], finder: Finder) -> None:
    face = finder.find(astronaut)[0]
    once = crop(astronaut, face.landmarks, 128)
    twice = crop(once.image, once.landmarks, 128)
    difference = np.abs(once.image.astype(int) - twice.image.astype(int))
    assert difference.mean() < 1
    np.testing.assert_allclose(twice.matrix, [[1, 0, 0], [0, 1, 0]], atol=0.05)


def test_a_mirrored_photo_gives_the_mirrored_crop(astronaut: NDArray[np.uint8], finder: Finder) -> None:
    face = finder.find(astronaut)[0]
    names = ("eye_left", "eye_right", "nose_tip", "mouth_left", "mouth_right")
    five = np.stack([anchors(face.landmarks)[name] for name in names]).round()
    mirrored = five[[1, 0, 2, 4, 3]] * [-1, 1] + [astronaut.shape[1] - 1, 0]
    one = crop(astronaut, Landmarks(five.astype(np.float32), "five"), 64).image
    two = crop(astronaut[:, ::-1].copy(), Landmarks(mirrored.astype(np.float32), "five"), 64).image
    assert np.abs(one.astype(int) - two[:, ::-1].astype(int)).max() <= 3


def test_the_matrix_leads_from_photo_to_crop(astronaut: NDArray[np.uint8], finder: Finder) -> None:
    face = finder.find(astronaut)[0]
    cut = crop(astronaut, face.landmarks, 256)
    moved = geometry.apply(cut.matrix, face.landmarks.points)
    assert np.abs(moved - cut.landmarks.points).max() <= 1 / 16


def test_what_lies_outside_the_photo_repeats_the_border_and_is_counted() -> None:
    photo = np.full((240, 240, 3), 9, np.uint8)
    inside = crop(photo, a_face((100, 90, 40, 48)).landmarks, 64)
    outside = crop(photo, a_face((-20, 90, 40, 48)).landmarks, 64)
    assert inside.padded_share == 0
    assert 0.3 < outside.padded_share < 0.7
    assert (outside.image == 9).all()


def test_reduction_does_not_alias() -> None:
    stripes = np.zeros((1600, 1600, 3), np.uint8)
    stripes[:, ::2] = 255
    cut = crop(stripes, a_face((400, 400, 800, 960)).landmarks, 64)
    assert cut.image.std() < 8


def test_eyes_on_one_point_are_refused() -> None:
    with pytest.raises(UserError, match="both eyes"):
        crop(np.zeros((9, 9, 3), np.uint8), Landmarks(np.ones((5, 2), np.float32), "five"), 64)


def cover(image: NDArray[np.uint8], face: Landmarks, colour: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Paint a flat mask over the lower face."""
    named = anchors(face)
    top = (named["nose_bridge"] + named["nose_tip"]) / 2
    names = ("cheek_right", "jaw_right", "chin", "jaw_left", "cheek_left")
    outline = np.stack([top, *(named[name] for name in names)]).round().astype(np.int32)
    return np.asarray(cv2.fillPoly(image.copy(), [outline], colour), np.uint8)


def test_a_mask_hardly_moves_the_eyes(photos: Path, finder: Finder) -> None:
    """The promise of the alignment: median at most 3 %, 95th percentile at most 8 % of the interocular distance."""
    moves = []
    for number, path in enumerate(sorted((photos / "lfw_train").glob("*/*.jpg"))[::60][:60]):
        photo = np.ascontiguousarray(cv2.imread(str(path))[..., ::-1])
        face = find_face(finder, photo)
        if not isinstance(face, Face):
            continue
        cut = crop(photo, face.landmarks, 256)
        colour = [(235, 238, 240), (90, 150, 200), (30, 30, 30)][number % 3]
        again = find_face(finder, cover(cut.image, cut.landmarks, colour), masked=True)
        assert isinstance(again, Face), f"{path.name}: not found again under a mask"
        moves.append(np.linalg.norm(_eyes(again.landmarks) - _eyes(cut.landmarks), axis=1).mean() / 64)
    assert len(moves) > 50
    assert np.median(moves) < 0.03
    assert np.percentile(moves, 95) < 0.08


def _eyes(landmarks: Landmarks) -> NDArray[np.float32]:
    named = anchors(landmarks)
    return np.stack([named["eye_left"], named["eye_right"]])


@settings(max_examples=200)
@given(
    st.one_of(st.sampled_from([0.0, 90.0, 180.0, -90.0]), st.floats(-180, 180)),
    st.floats(0.2, 5),
    st.tuples(st.floats(-150, 150), st.floats(-150, 150)),
    st.tuples(st.integers(1, 200), st.integers(1, 200)),
)
def test_the_share_outside_is_that_of_the_pixels_outside(
    angle: float, scale: float, shift: tuple[float, float], shape: tuple[int, int]
) -> None:
    turn = np.radians(angle)
    linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    matrix = np.column_stack([linear, shift])
    grid = np.stack(np.meshgrid(np.arange(64), np.arange(64)), -1).reshape(-1, 2).astype(np.float64)
    x, y = geometry.apply(geometry.invert(matrix), grid).T
    away = np.stack([x + 0.5, y + 0.5, shape[1] - 0.5 - x, shape[0] - 0.5 - y]).min(0)
    unsure = int((np.abs(away) < 1e-9).sum())
    assert abs(outside_share(shape, matrix, 64) * 64**2 - (away <= 0).sum()) <= unsure + 1e-6


@pytest.mark.parametrize("size", [48, 96, 190])
def test_pictures_are_cut_to_the_same_bytes_whatever_way_is_quicker(astronaut: NDArray[np.uint8], size: int) -> None:
    matrix = np.array([[0.7, -0.1, -60.0], [0.1, 0.7, -20]]) * [[size / 200]]
    finer = int(np.ceil(1 / geometry.scale(matrix) - 0.25))
    assert finer > 1, "what is enlarged is interpolated otherwise"
    fine = matrix * finer
    fine[:, 2] += (finer - 1) / 2
    large = cv2.warpAffine(
        astronaut, fine, (size * finer,) * 2, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    wanted = cv2.resize(large, (size, size), interpolation=cv2.INTER_AREA)
    assert np.array_equal(warp(astronaut, matrix, size), wanted)


@pytest.mark.parametrize("shrink", [9, 13, 40])
@pytest.mark.parametrize("at", [(0, 0), (700, 300)])
def test_of_a_large_photo_few_pixels_are_turned(
    monkeypatch: pytest.MonkeyPatch, shrink: float, at: tuple[int, int]
) -> None:
    """Blocks are averaged first, wherever the square lies; what is seen stays in its place."""
    rows, columns = np.mgrid[:1501, :2003]
    ramps = np.asarray(np.stack([rows // 10 % 200, columns // 10 % 200, rows * 0], -1), np.uint8)
    turned: list[int] = []
    affine = cv2.warpAffine

    def counted(image: NDArray[np.uint8], matrix: NDArray[np.float64], size: tuple[int, int], **how: int) -> object:
        turned.append(size[0] * size[1])
        return affine(image, matrix, size, **how)

    monkeypatch.setattr(cv2, "warpAffine", counted)
    turn = np.radians(8)
    linear = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) / shrink
    matrix = np.column_stack([linear, -linear @ np.array(at) + 3])
    size = 32
    shown = warp(ramps, matrix, size)
    assert max(turned) <= (5 * size) ** 2, "the square's own size, five times each way"
    places = np.stack(np.meshgrid(np.arange(size), np.arange(size)), -1).reshape(-1, 2).astype(np.float64)
    x, y = geometry.apply(geometry.invert(matrix), places).T
    inside = (x > shrink) & (y > shrink) & (x < 1990 - shrink) & (y < 1490 - shrink)
    wanted = np.stack([(y - 4.5) / 10, (x - 4.5) / 10], 1) % 200
    away = np.abs(shown.reshape(-1, 3)[:, :2] - wanted)[inside]
    smooth = (wanted[inside] > 2 * shrink / 10 + 1) & (wanted[inside] < 198 - 2 * shrink / 10)
    assert smooth.sum() > 50
    assert away[smooth].max() < 1.1


def test_a_square_beside_a_large_photo_is_its_border() -> None:
    photo = np.full((900, 900, 3), 7, np.uint8)
    away = np.array([[0.05, 0, 1000.0], [0, 0.05, 1000]])
    assert (warp(photo, away, 16) == 7).all()
    assert (warp(photo, away, 16, cv2.BORDER_CONSTANT) == 0).all()
