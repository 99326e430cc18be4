"""The two metrics with a judge: LPIPS against the package itself, identity against vectors made by hand."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from unveilify.core.errors import UserError
from unveilify.metrics.columns import identity, lpips
from unveilify.metrics.contract import Comparison
from unveilify.perception import lpips as judge
from unveilify.perception import recogniser

Image = NDArray[np.uint8]


def flat(level: int, size: int = 32) -> Image:
    return np.full((size, size, 3), level, np.uint8)


class ByBrightness:
    """A recogniser that goes by the picture's mean: 0 and 90 are at a right angle."""

    name = "Fake"

    def __init__(self) -> None:
        self.seen = 0

    def embed(self, images: Sequence[Image]) -> NDArray[np.float32]:
        self.seen += len(images)
        angle = np.radians([float(image.mean()) for image in images])
        return np.stack([np.cos(angle), np.sin(angle)], 1).astype(np.float32)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> ByBrightness:
    made = ByBrightness()
    monkeypatch.setattr(recogniser, "for_measuring", lambda device="cpu": made)
    return made


def compared(output: Image, others: tuple[Image, ...] = (), given: tuple[Image, ...] = ()) -> Comparison:
    truth = flat(0)
    return Comparison(truth, truth, output, truth, np.ones((32, 32), bool), others, given)


def test_identity_is_the_cosine_and_names_its_judge(fake: ByBrightness) -> None:
    metric = identity.Metric("cpu")
    (values,) = metric.measure([compared(flat(60), (flat(60), flat(120)), (flat(90),))])
    assert values["identity_to_truth_fake_image_raw"] == pytest.approx(0.5, abs=1e-6)
    assert values["identity_to_others_fake_image_raw"] == pytest.approx((1 + 0.5) / 2, abs=1e-6)
    assert values["identity_to_given_fake_image_raw"] == pytest.approx(math.cos(math.radians(30)), abs=1e-6)
    assert values["identity_to_truth_fake_image_composited"] == pytest.approx(1, abs=1e-6)


def test_identity_without_other_photos_is_no_number(fake: ByBrightness) -> None:
    (values,) = identity.Metric("cpu").measure([compared(flat(60))])
    assert math.isnan(values["identity_to_others_fake_image_raw"])
    assert math.isnan(values["identity_to_given_fake_image_raw"])


def test_identity_looks_at_no_picture_twice(fake: ByBrightness) -> None:
    metric = identity.Metric("cpu")
    metric.measure([compared(flat(60), (flat(10), flat(20)))])
    seen = fake.seen
    metric.measure([compared(flat(60), (flat(10), flat(20)))])
    assert fake.seen == seen == 4


def test_likeness_to_the_given_photo_is_no_merit(fake: ByBrightness) -> None:
    by_name = {c.name: c.better for c in identity.Metric("cpu").columns()}
    assert by_name["identity to given (Fake)"] == "neither"
    assert by_name["identity to others (Fake)"] == "higher"


def test_a_missing_judge_is_told_and_scores_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(device: str = "cpu") -> None:
        raise UserError("The file is missing: run this.")

    monkeypatch.setattr(recogniser, "for_measuring", missing)
    monkeypatch.setattr(judge, "best_at_hand", missing)
    for metric in (identity.Metric("cpu"), lpips.Metric("cpu")):
        assert metric.unavailable() == "The file is missing: run this."
        assert all("(" not in column.name for column in metric.columns())
    with pytest.raises(UserError):
        identity.Metric("cpu").embed([flat(0)])


@pytest.fixture
def trunks(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNVEILIFY_WEIGHTS", str(weights))


@pytest.mark.usefixtures("trunks")
def test_lpips_agrees_with_the_package(astronaut: Image) -> None:
    import lpips as package

    metric = lpips.Metric("cpu")
    trunk = judge.best_at_hand().trunk
    truth = np.ascontiguousarray(astronaut[:128, 150:278])
    output = np.ascontiguousarray(astronaut[4:132, 150:278])
    hole = np.zeros((128, 128), bool)
    hole[64:, 20:100] = True
    (values,) = metric.measure([Comparison(truth, truth, output, output, hole)])

    network = package.LPIPS(net=trunk, pnet_rand=True, verbose=False).eval()
    network.net.load_state_dict(judge.load(trunk).network.net.state_dict())
    a, b = (torch.from_numpy(x).permute(2, 0, 1)[None] / 127.5 - 1 for x in (truth, output))
    filled = torch.where(torch.from_numpy(hole), b, a)
    with torch.no_grad():
        assert values[f"lpips_{trunk}_image_raw"] == pytest.approx(float(network(a, b)), abs=1e-4)
        assert values[f"lpips_{trunk}_hole_raw"] == pytest.approx(float(network(a, filled)), abs=1e-4)


@pytest.mark.usefixtures("trunks")
def test_judges_on_truth_and_copy(astronaut: Image) -> None:
    truth = np.ascontiguousarray(astronaut[:128, 150:278])
    masked = truth.copy()
    masked[64:110, 30:100] = 220
    hole = np.any(masked != truth, -1)
    pair = [Comparison(truth, masked, out, out, hole, (truth,)) for out in (truth, masked)]
    distance, likeness = lpips.Metric("cpu"), identity.Metric("cpu")
    best, copy = distance.measure(pair)
    for column in distance.columns():
        assert best[column.key] == pytest.approx(0, abs=1e-6)
        assert copy[column.key] > 0.01
    best, copy = likeness.measure(pair)
    name = likeness.columns()[0].key
    assert best[name] == pytest.approx(1, abs=1e-5)
    assert copy[name] < 0.98
