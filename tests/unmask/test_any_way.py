"""Masked faces in photos that lie on their side or head: all are found, and the result lies as the photo does."""

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

import unveilify
from unveilify.core.landmarks import anchors
from unveilify.core.pictures import encode_png
from unveilify.core.records import Face
from unveilify.core.written import OutputFolder
from unveilify.evaluation import real_photos
from unveilify.evaluation.config import RealConfig
from unveilify.faces.find import Finder
from unveilify.faces.windows import turned, turned_back
from unveilify.masks.choose import choose
from unveilify.masks.compose import compose
from unveilify.masks.config import MaskConfig
from unveilify.masks.draw import draw
from unveilify.models.store import load
from unveilify.models.system import NetworkSystem
from unveilify.training import unpaired
from unveilify.training.config import CycleConfig
from unveilify.unmask.any_way import AnyWay
from unveilify.unmask.find import find
from unveilify.unmask.unmasker import Unmasker
from unveilify.weights import FINDER, fetch

RGB = NDArray[np.uint8]
ELSEWHERE = 12
"""A mesh that was begun in another turn lies a little elsewhere; a crop that lies wrong differs by 75 and more."""


@dataclass
class Counted:
    """A backend that counts how often it was asked."""

    backend: Finder
    asked: int = 0

    def find(self, image: RGB, *, masked: bool = False, everyone: bool = False, path: str = "") -> list[Face]:
        self.asked += 1
        return self.backend.find(image, masked=masked, everyone=everyone, path=path)


@pytest.fixture(scope="module")
def any_way() -> AnyWay:
    return AnyWay(Finder(), NetworkSystem.of(load(fetch(FINDER))))


@pytest.fixture(scope="module")
def masked(astronaut: RGB) -> RGB:
    recipe = choose(MaskConfig(styles={"surgical": 1.0}, wears={"proper": 1.0}), 0, "a")
    return compose(astronaut, draw(astronaut, Finder().find(astronaut)[0].landmarks, recipe))


@pytest.fixture(scope="module")
def several(masked: RGB) -> RGB:
    """A near face and a far one, both masked."""
    canvas = np.full((360, 640, 3), 110, np.uint8)
    canvas[:256, 10:266] = cv2.resize(masked, (256, 256), interpolation=cv2.INTER_AREA)
    canvas[100:260, 400:560] = cv2.resize(masked, (160, 160), interpolation=cv2.INTER_AREA)
    return canvas


def eyes(face: Face) -> NDArray[np.float32]:
    named = anchors(face.landmarks)
    return np.stack([named["eye_left"], named["eye_right"]])


def same(face: Face, other: Face) -> bool:
    apart = np.linalg.norm(np.diff(eyes(other), axis=0))
    return bool(np.linalg.norm(eyes(face) - eyes(other), axis=1).max() < 0.1 * apart)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_masked_face_on_its_side_or_head(any_way: AnyWay, masked: RGB, quarters: int) -> None:
    (face,) = any_way.find(turned(masked, quarters), masked=True)
    assert same(turned_back(face, quarters, masked.shape), Finder().find(masked, masked=True)[0])


@pytest.mark.parametrize("quarters", [1, 2])
def test_the_api_and_the_report_find_it_too(masked: RGB, tmp_path: Path, quarters: int) -> None:
    photo = turned(masked, quarters)
    (face,) = unveilify.find_faces(photo, masked=True)
    assert same(turned_back(face, quarters, masked.shape), Finder().find(masked, masked=True)[0])
    crops = []
    for name, image in (("straight.png", masked), ("turned.png", photo)):
        (tmp_path / name).write_bytes(encode_png(image))
        there = real_photos.RealPhotos((real_photos.RealPhoto(name, tmp_path / name),), {}, "")
        crops.append(real_photos.align(there, RealConfig(), 4, 64).samples[0].masked.astype(float))
    assert np.abs(crops[0] - crops[1]).mean() < ELSEWHERE


def test_a_training_takes_no_photo_as_it_lies(masked: RGB, astronaut: RGB, tmp_path: Path) -> None:
    photos = [("masked", turned(masked, n)) for n in range(4)] + [("unmasked", turned(astronaut, n)) for n in range(4)]
    for number, (kind, image) in enumerate(photos):
        (tmp_path / "photos" / kind).mkdir(parents=True, exist_ok=True)
        (tmp_path / "photos" / kind / f"{number}.png").write_bytes(encode_png(image))
    out = OutputFolder(tmp_path / "run")
    unpaired.prepare(CycleConfig(photos=tmp_path / "photos"), 64, out)
    found = unpaired.opened(out)
    for crops in (found.masked, found.bare):
        assert len(crops) == 4
        assert max(np.abs(crop - crops[0].astype(float)).mean() for crop in crops) < ELSEWHERE


def test_a_clear_photo_is_searched_once_and_a_bare_face_left_to_the_backend(
    any_way: AnyWay, masked: RGB, astronaut: RGB
) -> None:
    for photo, wears in ((masked, True), (astronaut, False)):
        counted = Counted(Finder())
        AnyWay(counted, any_way.mask_finder).find(photo, masked=wears)
        assert counted.asked == 1


@pytest.mark.parametrize("quarters", [2, 3])
def test_a_bare_face_stays_as_it_lies(any_way: AnyWay, astronaut: RGB, quarters: int) -> None:
    """No mask anywhere is no reason to see one."""
    photo = turned(astronaut, quarters)
    faces = any_way.find(photo, masked=True)
    assert find(photo, faces, any_way.mask_finder).masked == 0


def test_all_masked_faces_of_the_turn_are_found(any_way: AnyWay, several: RGB) -> None:
    photo = turned(several, 2)
    faces = any_way.find(photo, masked=True, everyone=True)
    upright = Finder().find(several, masked=True, everyone=True)
    assert len(faces) == len(upright) == 2
    assert all(same(turned_back(one, 2, several.shape), other) for one, other in zip(faces, upright, strict=True))
    assert find(photo, faces, any_way.mask_finder).masked == 2


def test_the_result_lies_as_the_photo_does(masked: RGB) -> None:
    unmasker = Unmasker.load(device="cpu")
    straight = unmasker.remove(masked).image
    result = turned(unmasker.remove(turned(masked, 2)).image, 2)
    hole = (straight != masked).any(axis=2)
    near = cv2.dilate(hole.astype(np.uint8), np.ones((25, 25), np.uint8)) > 0
    assert np.array_equal(result[~near], masked[~near])
    assert np.abs(cv2.blur(result, (3, 3)).astype(float) - cv2.blur(straight, (3, 3)))[hole].mean() < 10, (
        "but for its grain, and for which patches of the photo were taken"
    )


@pytest.mark.parametrize(("score", "presence", "there"), [(0.45, 0.0, False), (0.45, 0.9, True), (0.8, 0.0, True)])
def test_what_neither_detector_nor_mesh_believes_in_is_no_face(
    any_way: AnyWay, masked: RGB, score: float, presence: float, there: bool
) -> None:
    """Walls and plants were taken for faces, and noses drawn on them."""
    face = replace(Finder().find(masked, masked=True)[0], score=score, presence=presence)

    class One:
        """Finds that face, however the photo lies."""

        def find(self, image: RGB, *, masked: bool = False, everyone: bool = False, path: str = "") -> list[Face]:
            return [face]

    assert bool(AnyWay(One(), any_way.mask_finder).find(masked, masked=True)) == there
