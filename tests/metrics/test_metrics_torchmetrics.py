"""The same numbers from an independent library, and from cases worked out by hand."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torchmetrics.functional.image import (
    peak_signal_noise_ratio,
    structural_similarity_index_measure,
)
from torchmetrics.functional.image.lpips import _LPIPS
from torchmetrics.functional.pairwise import pairwise_cosine_similarity

from unveilify.metrics.columns import identity, lpips
from unveilify.metrics.columns.psnr import CAP_DB, psnr
from unveilify.metrics.columns.psnr import Metric as Psnr
from unveilify.metrics.columns.ssim import Metric as Ssim
from unveilify.metrics.columns.ssim import ssim_map
from unveilify.metrics.contract import Comparison, composite
from unveilify.perception import lpips as judge

Image = NDArray[np.uint8]


def tensor(image: Image) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].double()


@pytest.fixture(params=[8, 60, 200], ids="noise {}".format)
def pair(request: pytest.FixtureRequest, astronaut: Image) -> tuple[Image, Image]:
    face = np.ascontiguousarray(astronaut[:128, 150:278])
    noise = np.random.default_rng(request.param).normal(0, request.param, face.shape)
    return face, np.clip(face + noise, 0, 255).astype(np.uint8)


def test_psnr_is_torchmetrics(pair: tuple[Image, Image]) -> None:
    a, b = pair
    assert psnr(a, b) == pytest.approx(float(peak_signal_noise_ratio(tensor(b), tensor(a), data_range=255.0)), abs=1e-4)


def test_ssim_is_torchmetrics(pair: tuple[Image, Image]) -> None:
    """Away from the border, where windows reach outside: its mean counts what it mirrored there, that of scikit-image
    and of Wang et al. leaves it out.
    """
    a, b = pair
    _, full = structural_similarity_index_measure(
        tensor(b), tensor(a), gaussian_kernel=True, sigma=1.5, kernel_size=11, data_range=255.0, return_full_image=True
    )
    inside = full[0, :, 5:-5, 5:-5]
    mean, ours = ssim_map(a, b)
    assert mean == pytest.approx(float(inside.mean()), abs=1e-6)
    assert np.abs(ours[5:-5, 5:-5] - inside.mean(0).numpy()).max() < 1e-4


def test_lpips_is_torchmetrics(pair: tuple[Image, Image], weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own copy of the heads, on the trunk that is here."""
    monkeypatch.setenv("UNVEILIFY_WEIGHTS", str(weights))
    trunk = judge.best_at_hand().trunk
    network = _LPIPS(pretrained=True, net=trunk, pnet_rand=True)
    ours = judge.load(trunk).network.net.state_dict()
    theirs_names = network.net.state_dict()  # the same layers in the same order under other names
    network.net.load_state_dict(dict(zip(theirs_names, ours.values(), strict=True)))
    a, b = (tensor(image).float() / 127.5 - 1 for image in pair)
    (values,) = lpips.Metric("cpu").measure([Comparison(pair[0], pair[0], pair[1], pair[1], np.ones((128, 128), bool))])
    with torch.no_grad():
        theirs = float(network(b, a))
    assert values[f"lpips_{trunk}_image_raw"] == pytest.approx(theirs, abs=1e-4)


def test_identity_is_torchmetrics_cosine(
    pair: tuple[Image, Image], weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNVEILIFY_WEIGHTS", str(weights))
    metric = identity.Metric("cpu")
    if metric.unavailable():
        pytest.skip(str(metric.unavailable()))
    a, b = pair
    (values,) = metric.measure([Comparison(a, a, b, b, np.ones((128, 128), bool), others=(a,))])
    vectors = torch.from_numpy(metric.embed([a, b])).double() * 3  # whatever their length
    theirs = float(pairwise_cosine_similarity(vectors[:1], vectors[1:]))
    for key in (key for key in values if "_to_truth_" in key or "_to_others_" in key):
        assert values[key] == pytest.approx(theirs, abs=1e-4)


def half_masked(astronaut: Image) -> Comparison:
    """A face whose lower half was painted over with one grey: the row `copy`."""
    truth = np.ascontiguousarray(astronaut[:64, 180:244])
    hole = np.zeros((64, 64), bool)
    hole[32:] = True
    masked = np.where(hole[..., None], np.uint8(200), truth)
    return Comparison(truth, masked, masked, composite(masked, masked, hole), hole)


def test_copy_scores_what_theory_says(astronaut: Image) -> None:
    c = half_masked(astronaut)
    (values,) = Psnr().measure([c])
    error = ((c.truth[32:].astype(float) - 200) ** 2).mean()
    assert values["psnr_hole_raw"] == pytest.approx(10 * math.log10(255**2 / error), abs=1e-4)
    assert values["psnr_image_raw"] == pytest.approx(values["psnr_hole_raw"] + 10 * math.log10(2), abs=1e-4)
    assert values["psnr_image_composited"] == values["psnr_image_raw"]
    (values,) = Ssim().measure([c])
    full = ssim_map(c.truth, c.masked)[1]
    assert full[:26].min() == pytest.approx(1, abs=1e-9), "windows that reach no masked pixel are equal"
    assert values["ssim_hole_raw"] == pytest.approx(full[32:].mean(), abs=1e-9)
    assert values["ssim_hole_raw"] < 0.5 < values["ssim_image_raw"]


def test_the_truth_scores_what_theory_says(astronaut: Image) -> None:
    c = half_masked(astronaut)
    perfect = Comparison(c.truth, c.masked, c.truth, composite(c.truth, c.masked, c.hole), c.hole)
    assert set(Psnr().measure([perfect])[0].values()) == {CAP_DB}
    assert list(Ssim().measure([perfect])[0].values()) == pytest.approx([1.0] * 4, abs=1e-12)


def test_ssim_of_a_picture_and_its_contrast_by_hand() -> None:
    """Two-coloured stripes and the same at half the contrast: means equal, covariance half, variance a quarter.

    Far from the border every window sees the same stripes, up to the phase, which 11 Gaussian taps of σ 1.5 average
    out to 1e-3.
    """
    stripes = np.where(np.arange(64) % 2, 128 + 40, 128 - 40).astype(np.uint8)
    a = np.broadcast_to(stripes[None, :, None], (64, 64, 3))
    b = np.broadcast_to(np.where(np.arange(64) % 2, 128 + 20, 128 - 20).astype(np.uint8)[None, :, None], (64, 64, 3))
    c2 = (0.03 * 255) ** 2
    expected = (2 * 40 * 20 + c2) / (40**2 + 20**2 + c2)
    assert ssim_map(np.ascontiguousarray(a), np.ascontiguousarray(b))[0] == pytest.approx(expected, abs=1e-3)
