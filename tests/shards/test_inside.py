"""What of a face crop lies outside its photo is known, for there is no truth there."""

import json

import numpy as np

from unveilify.faces.warp import warp
from unveilify.shards.inside import inside


def described(matrix: list[list[float]], photo_px: list[int] | None = None, size_px: int = 64) -> bytes:
    crop = {"matrix": matrix, "size_px": size_px} | ({} if photo_px is None else {"photo_px": photo_px})
    return json.dumps({"crop": crop}).encode()


def test_it_is_where_pixels_of_the_photo_went() -> None:
    angle = np.deg2rad(12)
    turn = 0.8 * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = np.column_stack([turn, [20.0, 6.0]])
    # A photo whose border is white: what repeats it is white, and so is the border itself.
    photo = np.full((40, 50, 3), 255, np.uint8)
    photo[1:-1, 1:-1] = 0
    cropped = warp(photo, matrix, 64)[..., 0]
    area = inside(described(matrix.tolist(), [50, 40]), 64)
    assert set(np.unique(area)) == {0, 255}
    assert (cropped[area == 0] > 100).all(), "outside there is but the border"
    assert (area[cropped < 100] == 255).all(), "what the photo shows is inside"
    assert 0.25 < (area > 0).mean() < 0.35


def test_at_another_size_it_is_the_same_area() -> None:
    matrix = [[1.0, 0.0, 16.0], [0.0, 1.0, 0.0]]
    half = inside(described(matrix, [32, 64]), 32)
    assert (half[:, 8:24] == 255).all()
    assert half[:, :7].max() == half[:, 25:].max() == 0


def test_without_the_photos_size_nothing_is_left_out() -> None:
    assert (inside(described([[1, 0, 0], [0, 1, 0]]), 16) == 255).all()
    assert (inside(b"{}", 16) == 255).all()
