"""Faces that are a few pixels off each other are moved onto their mean."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from unveilify.models.layers import congeal

SIDE = 120
Bytes = npt.NDArray[np.uint8]


def faces(count: int) -> Bytes:
    """The same drawn face, each moved and bent by some pixels, each in another light."""
    random = np.random.default_rng(3)
    base = np.full((SIDE, SIDE, 3), 170, np.uint8)
    for x in (40, 80):
        cv2.ellipse(base, (x, 45), (12, 6), 0, 0, 360, (60, 50, 40), -1)
    cv2.ellipse(base, (60, 72), (8, 5), 0, 0, 360, (120, 90, 80), -1)
    cv2.ellipse(base, (60, 95), (20, 4), 0, 0, 360, (150, 60, 60), -1)
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    many = []
    for _ in range(count):
        (a, b), bend = random.uniform(-3, 3, 2), random.uniform(-2, 2)
        moved = cv2.remap(
            base, x + np.float32(a), y + np.float32(b) + np.float32(bend) * np.sin(x / 30), 1, borderMode=1
        )
        many.append(np.clip(moved * random.uniform(0.8, 1.1), 0, 255))
    return np.array(many, np.uint8)


def steepness(many: Bytes) -> float:
    return float(np.abs(np.diff(many.astype(float).mean((0, 3)), axis=0)).max())


def test_the_mean_is_sharper_and_stays_where_it_is() -> None:
    before = faces(24)
    after, known = before.copy(), np.full((24, SIDE, SIDE, 1), 255, np.uint8)
    congeal.congealed(after, known)
    assert steepness(after) > 1.3 * steepness(before)
    apart = np.abs(after.astype(float).mean(0) - before.astype(float).mean(0))
    assert apart.mean() < 4, "the face did not wander"
    assert known.shape == (24, SIDE, SIDE, 1)
    assert known.min() == 255


def test_a_blurred_face_and_another_thing_are_not_of_the_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(congeal, "SHARPEST", 10)
    monkeypatch.setattr(congeal, "LIKEST", 8)
    many = faces(12)
    many[3] = many[3][::-1]
    noise = np.random.default_rng(1).integers(-12, 12, many.shape)
    many = np.clip(many + noise, 0, 255).astype(np.uint8)
    for i in (1, 4):
        many[i] = cv2.GaussianBlur(many[i], (0, 0), 4)
    chosen = congeal.congealed(many, np.full((12, SIDE, SIDE, 1), 255, np.uint8))
    assert len(chosen) == 8
    assert not {1, 3, 4} & set(chosen)
