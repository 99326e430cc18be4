import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from unveilify.metrics.columns.noise import specks


@pytest.fixture(scope="module")
def face(astronaut: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(astronaut[0:256:2, 96:352:2])


def test_the_truth_has_none(face: NDArray[np.uint8]) -> None:
    assert not specks(face, face).any()


def test_blur_is_no_speck(face: NDArray[np.uint8]) -> None:
    assert not specks(face, gaussian_filter(face, (2, 2, 0))).any()


def test_values_that_wrap_around_are_specks(face: NDArray[np.uint8]) -> None:
    """What the paper's own code did on saving: -0.02 became 251 and 1.02 became 4."""
    rng = np.random.default_rng(0)
    floats = face / 255 + rng.normal(0, 0.02, face.shape)
    wrapped = (floats * 255).astype(np.int64).astype(np.uint8)
    clamped = (np.clip(floats, 0, 1) * 255).round().astype(np.uint8)
    assert specks(face, clamped).mean() < 0.002
    assert specks(face, wrapped).mean() > 0.02


def test_a_single_pixel_is_found_where_it_is(face: NDArray[np.uint8]) -> None:
    output = np.full_like(face, 90)
    output[40, 50] = (90, 255, 90)
    found = specks(np.full_like(face, 90), output)
    assert found[40, 50]
    assert found.sum() == 1


def test_roughness_that_the_truth_has_next_to_it_does_not_count() -> None:
    truth = np.full((16, 16, 3), 40, np.uint8)
    truth[8, 8] = 250
    moved = np.roll(truth, 1, 1)
    assert not specks(truth, moved).any()
