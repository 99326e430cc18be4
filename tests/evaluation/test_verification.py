import math

import numpy as np
import pytest

from unveilify.evaluation.statistics import score, verify


def test_perfect_and_hopeless() -> None:
    low, high = np.linspace(0, 0.4, 2000), np.linspace(0.5, 1, 100)
    assert score(high, low).auc == 1
    assert score(high, low).tar == 1
    assert score(low[:100], high).auc == 0


def test_auc_is_the_chance_that_a_genuine_pair_scores_higher() -> None:
    genuine, impostor = np.array([0.3, 0.6, 0.6]), np.array([0.1, 0.6, 0.9])
    by_hand = np.mean([1.0 if g > i else 0.5 if g == i else 0.0 for g in genuine for i in impostor])
    assert score(genuine, impostor).auc == pytest.approx(by_hand)


def test_tar_accepts_at_most_one_impostor_in_a_thousand() -> None:
    impostor = np.arange(2000) / 2000
    found = score(np.array([0.9985, 0.9994, 1.0]), impostor)
    # Two of 2000 may pass: the threshold is the third highest impostor, 0.9985.
    assert found.tar == pytest.approx(2 / 3)


def test_too_few_impostors_set_no_threshold() -> None:
    assert math.isnan(score(np.ones(5), np.zeros(999)).tar)
    assert math.isnan(score(np.zeros(0), np.zeros(999)).auc)


def test_verify_compares_with_own_photos_and_all_of_others() -> None:
    east, north = np.array([[1.0, 0.0]], np.float32), np.array([[0.0, 1.0]], np.float32)
    outputs = np.concatenate([east, north, north])
    found = verify(outputs, ["a", "b", "b"], [east, north, np.zeros((0, 2), np.float32)])
    assert (found.auc, found.genuine, found.impostor) == (1.0, 2, 3)
