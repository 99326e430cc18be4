import math

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from unveilify.metrics.columns.psnr import CAP_DB, psnr
from unveilify.metrics.columns.psnr import Metric as Psnr
from unveilify.metrics.columns.ssim import Metric as Ssim
from unveilify.metrics.columns.ssim import ssim_map
from unveilify.metrics.contract import Comparison


def noisy(image: NDArray[np.uint8], amount: int) -> NDArray[np.uint8]:
    rng = np.random.default_rng(amount)
    return np.clip(image.astype(int) + rng.integers(-amount, amount + 1, image.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("step", [1, 7, 128])
def test_psnr_of_a_constant_difference(step: int) -> None:
    zeros = np.zeros((8, 8, 3), np.uint8)
    assert psnr(zeros, zeros + np.uint8(step)) == pytest.approx(20 * math.log10(255 / step), abs=1e-9)


def test_psnr_of_black_and_white_is_zero() -> None:
    assert psnr(np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 255, np.uint8)) == pytest.approx(0)


def test_psnr_of_equal_pictures_ends_at_the_cap_and_keeps_means_finite() -> None:
    image = np.zeros((4, 4, 3), np.uint8)
    assert psnr(image, image) == CAP_DB


def test_psnr_of_nothing_is_no_number() -> None:
    assert math.isnan(psnr(np.zeros((0, 3), np.uint8), np.zeros((0, 3), np.uint8)))


def test_psnr_in_the_hole_counts_only_the_hole() -> None:
    truth = np.full((16, 16, 3), 100, np.uint8)
    hole = np.zeros((16, 16), bool)
    hole[:4] = True
    output = truth.copy()
    output[hole] += 10
    (values,) = Psnr().measure([Comparison(truth, truth, output, output, hole)])
    assert values["psnr_hole_raw"] == pytest.approx(20 * math.log10(25.5))
    # A quarter of the picture differs, so that the whole picture has a quarter of the error: 6.02 dB more.
    assert values["psnr_image_raw"] - values["psnr_hole_raw"] == pytest.approx(10 * math.log10(4))


def test_psnr_agrees_with_scikit_image(astronaut: NDArray[np.uint8]) -> None:
    other = noisy(astronaut, 20)
    assert psnr(astronaut, other) == pytest.approx(peak_signal_noise_ratio(astronaut, other, data_range=255), abs=1e-4)


def test_ssim_agrees_with_scikit_image(astronaut: NDArray[np.uint8]) -> None:
    face = astronaut[:128, 150:278]
    other = noisy(face, 30)
    expected = structural_similarity(
        face, other, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255, channel_axis=2
    )
    mean, full = ssim_map(face, other)
    assert mean == pytest.approx(expected, abs=1e-6)
    assert full[5:-5, 5:-5].mean() == pytest.approx(mean, abs=1e-6)


def test_ssim_agrees_with_the_formula_written_out(astronaut: NDArray[np.uint8]) -> None:
    """Wang et al. 2004, equation 13, with an explicit 11 × 11 Gaussian of σ 1.5."""
    face = astronaut[:64, 150:214]
    other = noisy(face, 40)
    a, b = face.astype(np.float64), other.astype(np.float64)

    def blur(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return cv2.GaussianBlur(x, (11, 11), 1.5, borderType=cv2.BORDER_REFLECT)

    ma, mb = blur(a), blur(b)
    va, vb, vab = blur(a * a) - ma * ma, blur(b * b) - mb * mb, blur(a * b) - ma * mb
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    expected = (2 * ma * mb + c1) * (2 * vab + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2))
    _, full = ssim_map(face, other)
    assert np.abs(full - expected.mean(-1)).max() < 1e-4


def test_ssim_of_two_flat_pictures() -> None:
    a, b = np.full((32, 32, 3), 50, np.uint8), np.full((32, 32, 3), 100, np.uint8)
    c1 = (0.01 * 255) ** 2
    assert ssim_map(a, b)[0] == pytest.approx((2 * 50 * 100 + c1) / (50**2 + 100**2 + c1), abs=1e-6)


def test_ssim_in_the_hole_is_the_mean_of_the_map_there(astronaut: NDArray[np.uint8]) -> None:
    face = np.ascontiguousarray(astronaut[:64, 150:214])
    other = noisy(face, 40)
    hole = np.zeros((64, 64), bool)
    hole[30:60, 10:50] = True
    (values,) = Ssim().measure([Comparison(face, face, other, face, hole)])
    assert values["ssim_hole_raw"] == pytest.approx(ssim_map(face, other)[1][hole].mean())
    assert values["ssim_hole_composited"] == pytest.approx(1)
