"""LPIPS gives the numbers of the `lpips` package, with a trunk that is on this machine."""

import numpy as np
import pytest
import torch

from unveilify import weights as catalogue
from unveilify.perception import lpips


def test_gives_the_known_value(at_hand):
    """0.1008: two batches of noise after seed 123, SqueezeNet trunk, heads 0.1."""
    judge = lpips.load("squeeze")
    torch.manual_seed(123)
    a, b = (torch.rand(10, 3, 100, 100) * 2 - 1 for _ in range(2))
    values = judge(a, b)
    assert values.shape == (10,)
    assert float(values.mean()) == pytest.approx(0.1008, abs=5e-5)


def test_equal_pictures_have_distance_0_and_the_gradient_flows(at_hand):
    judge = lpips.best_at_hand()
    a = torch.rand(2, 3, 64, 64) * 2 - 1
    assert judge(a, a).abs().max() == 0
    b = (a + 0.1 * torch.randn_like(a)).requires_grad_(True)
    judge(b, a).mean().backward()
    assert b.grad.isfinite().all()
    assert b.grad.any()
    assert all(p.grad is None for p in judge.parameters())


def test_bytes_are_scaled_as_the_network_expects(at_hand, astronaut):
    judge = lpips.best_at_hand()
    photo = astronaut[None, :128, 128:256]
    noisy = np.clip(photo + np.random.default_rng(0).normal(0, 20, photo.shape), 0, 255).astype(np.uint8)
    tensors = (torch.from_numpy(p.copy()).permute(0, 3, 1, 2) / 127.5 - 1 for p in (photo, noisy))
    assert judge.distance(photo, noisy)[0] == pytest.approx(float(judge(*tensors)), rel=1e-5)
    assert judge.distance(photo[:0], noisy[:0]).shape == (0,)


@pytest.mark.usefixtures("none_at_hand")
def test_a_missing_trunk_is_named():
    with pytest.raises(catalogue.Missing, match="vgg16"):
        lpips.best_at_hand()
    with pytest.raises(catalogue.Missing, match="alexnet"):
        lpips.load("alex")
