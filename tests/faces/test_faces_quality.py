"""Pose, sharpness and size are what they are called, and decide what a face may be used for."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scripted_faces import a_face

from unveilify.core.landmarks import MEAN_FACE, Landmarks, anchors
from unveilify.core.records import Face
from unveilify.faces.align import crop
from unveilify.faces.config import QualityConfig
from unveilify.faces.find import Finder
from unveilify.faces.quality import MEASURED_PX, judge, pose, sharpness

FIVE = ("eye_left", "eye_right", "nose_tip", "mouth_left", "mouth_right")


def turned(yaw: float, pitch: float, roll: float) -> Landmarks:
    """Five points of the mean face: nose to the right by ``yaw``, up by ``pitch``, then clockwise by ``roll``."""
    a, b, c = np.radians([yaw, pitch, roll])
    sideways = np.array([[np.cos(a), 0, -np.sin(a)], [0, 1, 0], [np.sin(a), 0, np.cos(a)]])
    upwards = np.array([[1, 0, 0], [0, np.cos(b), np.sin(b)], [0, -np.sin(b), np.cos(b)]])
    round_ = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    points = np.array([round_ @ sideways @ upwards @ MEAN_FACE[name] for name in FIVE])
    return Landmarks((points[:, :2] * 70 + 200).astype(np.float32), "five")


@pytest.mark.parametrize(("yaw", "pitch", "roll"), [(0, 0, 0), (30, 0, 0), (-45, 0, 0), (0, 20, 0), (0, 0, -25)])
def test_pose_of_five_points(yaw: float, pitch: float, roll: float) -> None:
    found = pose(turned(yaw, pitch, roll))
    assert (found.yaw, found.pitch, found.roll) == pytest.approx((yaw, pitch, roll), abs=2)


def test_pose_of_a_real_face(finder: Finder, astronaut: NDArray[np.uint8]) -> None:
    upright = pose(finder.find(astronaut)[0].landmarks)
    assert abs(upright.yaw) < 15
    assert abs(upright.pitch) < 20
    mirrored = pose(finder.find(astronaut[:, ::-1].copy())[0].landmarks)
    assert mirrored.yaw == pytest.approx(-upright.yaw, abs=4)
    clockwise = cv2.getRotationMatrix2D((225, 125), -20, 1)
    rolled = pose(finder.find(np.asarray(cv2.warpAffine(astronaut, clockwise, (512, 512)), np.uint8))[0].landmarks)
    assert rolled.roll - upright.roll == pytest.approx(20, abs=2)


def test_depth_and_plane_agree_on_the_pose(photos: Path, finder: Finder) -> None:
    apart = []
    for path in sorted((photos / "lfw_train").glob("*/*.jpg"))[::120][:25]:
        marks = finder.find(np.ascontiguousarray(cv2.imread(str(path))[..., ::-1]))[0].landmarks
        five = Landmarks(np.stack([anchors(marks)[name] for name in FIVE]), "five")
        apart.append(abs(pose(marks).yaw - pose(five).yaw))
    assert np.median(apart) < 4


def measured(photo: NDArray[np.uint8], marks: Landmarks) -> float:
    return sharpness(crop(photo, marks, MEASURED_PX))


def test_blur_lowers_sharpness_and_light_does_not(finder: Finder, astronaut: NDArray[np.uint8]) -> None:
    marks = finder.find(astronaut)[0].landmarks
    plain = measured(astronaut, marks)
    assert measured((astronaut * 0.6).astype(np.uint8), marks) == pytest.approx(plain, rel=0.1)
    values = [plain]
    for sigma in (1, 2, 4):
        values.append(measured(np.asarray(cv2.GaussianBlur(astronaut, (0, 0), sigma), np.uint8), marks))
    assert values == sorted(values, reverse=True)
    assert plain > 2 * QualityConfig().min_sharpness > 2 * values[-1]


def test_a_dark_background_does_not_blur_a_face(finder: Finder, astronaut: NDArray[np.uint8]) -> None:
    marks = finder.find(astronaut)[0].landmarks
    dark = astronaut.copy()
    dark[:, :188] = 0
    assert measured(dark, marks) == pytest.approx(measured(astronaut, marks), rel=0.35)


def test_sharpness_is_that_of_the_face_not_of_the_photo(finder: Finder, astronaut: NDArray[np.uint8]) -> None:
    marks = finder.find(astronaut)[0].landmarks
    double = Landmarks(marks.points * 2 + 0.5, marks.scheme)
    large = np.asarray(cv2.resize(astronaut, (1024, 1024), interpolation=cv2.INTER_CUBIC), np.uint8)
    assert measured(large, double) == pytest.approx(measured(astronaut, marks), rel=0.35)


def verdict(face: Face, sharp: bool = True) -> tuple[str, str]:
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 255, (400, 400, 3)).astype(np.uint8) if sharp else np.full((400, 400, 3), 80, np.uint8)
    found = judge(photo, face, QualityConfig())
    assert set(found.measured) >= {"yaw", "pitch", "roll", "sharpness", "face_px", "padded_share", "score", "presence"}
    return found.status, found.reason


def test_what_a_face_may_be_used_for() -> None:
    good = a_face((150, 150, 100, 120))
    assert verdict(good) == ("target", "")
    assert verdict(a_face((150, 150, 49, 60))) == ("rejected", "too_small")
    assert verdict(good, sharp=False) == ("identity", "blurred")
    assert verdict(Face(turned(70, 0, 0), good.box, 1, 1)) == ("identity", "profile")


def test_lfw_loses_less_than_one_percent(photos: Path, finder: Finder) -> None:
    kept = []
    for path in sorted((photos / "lfw_train").glob("*/*.jpg"))[7::60][:100]:
        photo = np.ascontiguousarray(cv2.imread(str(path))[..., ::-1])
        face = finder.find(photo)[0]
        kept.append(judge(photo, face, QualityConfig()).status == "target")
    assert np.mean(kept) >= 0.99
