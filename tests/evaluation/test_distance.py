import math

import numpy as np
import pytest
from numpy.typing import NDArray

from unveilify.evaluation.statistics import kernel_distance


def unit(rng: np.random.Generator, count: int, shift: float = 0.0) -> NDArray[np.float32]:
    found = rng.normal(0, 1, (count, 8))
    found[:, 0] += shift
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def test_equal_sets_are_at_zero() -> None:
    vectors = unit(np.random.default_rng(0), 50)
    assert kernel_distance(vectors, vectors) == pytest.approx(0, abs=1e-12)


def test_the_estimate_is_unbiased_and_grows_with_the_shift() -> None:
    rng = np.random.default_rng(1)
    same = [kernel_distance(unit(rng, 60), unit(rng, 60)) for _ in range(200)]
    assert abs(np.mean(same)) < 3 * np.std(same) / math.sqrt(200) + 1e-3
    near = np.mean([kernel_distance(unit(rng, 60, 0.5), unit(rng, 60)) for _ in range(20)])
    far = np.mean([kernel_distance(unit(rng, 60, 2.0), unit(rng, 60)) for _ in range(20)])
    assert 5 * abs(np.mean(same)) < near < far


def test_by_hand() -> None:
    east, north = [1.0, 0.0], [0.0, 1.0]
    outputs, truth = np.array([east, east], np.float32), np.array([north, north], np.float32)
    # Pairs i ≠ j: within each set the cosine is 1 and the kernel 8, across it is 0 and the kernel 1.
    assert kernel_distance(outputs, truth) == pytest.approx(8 + 8 - 2 * 1)
    assert math.isnan(kernel_distance(outputs[:1], truth[:1]))
