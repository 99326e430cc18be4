"""How well masks are found: on areas whose answer is known."""

import numpy as np
import pytest

from unveilify.core.found import agreement, worn
from unveilify.metrics.columns.finding import Metric
from unveilify.metrics.contract import Comparison

FACE = np.full((64, 64, 3), 90, np.uint8)


def box(top: int, bottom: int) -> np.ndarray:
    area = np.zeros((64, 64), np.uint8)
    area[top:bottom, 16:48] = 255
    return area


def compare(alpha: np.ndarray, found: np.ndarray | None) -> dict[str, float]:
    (values,) = Metric().measure([Comparison(FACE, FACE, FACE, FACE, alpha > 0, alpha=alpha, found=found)])
    return values


def test_the_true_mask_is_perfect() -> None:
    values = compare(box(32, 56), box(32, 56))
    assert list(values.values()) == [1.0, 0.0, 100.0]


def test_a_shifted_edge_is_off_by_the_shift() -> None:
    overlap, edge, seen = compare(box(32, 56), box(34, 58)).values()
    assert overlap == pytest.approx(22 / 26)
    assert 1 < edge / 100 * 0.25 * 64 < 2, "two pixels above and below, none at the sides"
    assert seen == 100


def test_nothing_found_overlaps_with_nothing() -> None:
    overlap, edge, seen = compare(box(32, 56), box(0, 0)).values()
    assert (overlap, seen) == (0.0, 0.0)
    assert np.isnan(edge)


def test_who_does_not_say_gets_no_score() -> None:
    assert all(np.isnan(v) for v in compare(box(32, 56), None).values())
    assert all(np.isnan(v) for v in compare(box(0, 0), box(0, 0)).values()), "no mask to be found"


def test_a_faint_shadow_is_no_mask() -> None:
    alpha = box(32, 56)
    alpha[56:60] = 40
    assert compare(alpha, box(32, 56))[Metric.OVERLAP.key] == 1.0


def test_two_empty_areas_agree() -> None:
    nothing = np.zeros((8, 8), bool)
    overlap, away = agreement(nothing, nothing)
    assert overlap == 1.0
    assert np.isnan(away)


@pytest.mark.parametrize(
    ("top", "bottom", "expected"), [(32, 56, True), (48, 58, True), (2, 20, False), (60, 64, False)]
)
def test_a_mask_is_worn_where_faces_wear_them(top: int, bottom: int, expected: bool) -> None:
    assert worn(box(top, bottom).astype(np.float32) / 255) is expected
