"""Mask2Face: its size is the original's, and it learns at every size."""

import pytest
import torch
from torch.nn.functional import l1_loss

from unveilify.core.config import build
from unveilify.core.errors import UserError
from unveilify.models.cost import cost
from unveilify.models.zoo.mask2face import RECIPE, SMALL, Config, Network, discriminator


def test_costs_what_the_original_costs():
    """Counted from the original's layers: 53.59 M parameters and 106.2 GMAC at 256 px."""
    found = cost("mask2face", Config())
    assert found.parameters == pytest.approx(53.59e6, rel=1e-3)
    assert found.macs == pytest.approx(106.2e9, rel=1e-3)


def test_the_small_preset_is_small():
    found = cost("mask2face", Config(size_px=64, **SMALL))
    assert found.parameters < 3e6
    assert found.macs < 1e9


@pytest.mark.parametrize(("size_px", "halvings"), [(32, 3), (64, 4), (128, 5), (256, 6), (512, 7)])
def test_every_size_goes_down_to_four_pixels(size_px, halvings):
    with torch.device("meta"):
        network = Network(Config(size_px=size_px, width=0.125))
        assert len(network.downs) == len(network.ups) == halvings
        x = torch.empty(1, 8, size_px, size_px)
        for down in network.downs:
            x, skip = down(x)
            assert skip.shape == x.shape
    assert x.shape[-1] == 4


@pytest.mark.parametrize("size_px", [32, 64, 128])
@pytest.mark.parametrize("width", [0.1, 0.3])
def test_every_parameter_learns_at_every_size(size_px, width, make_batch):
    network, batch = Network(Config(size_px=size_px, width=width)), make_batch(1, size_px)
    image = network(batch).image
    assert image.shape == batch.masked.shape
    assert image.abs().max() <= 1
    l1_loss(image, batch.unmasked).backward()
    dead = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert dead == []


def test_a_fresh_network_is_not_saturated(make_batch):
    for width in (0.25, 1.0):
        with torch.no_grad():
            image = Network(Config(size_px=64, width=width))(make_batch(1, 64)).image
        assert 0.02 < image.std() < 0.6
        assert image.abs().max() < 0.999


def test_its_own_losses_fit_one_batch(make_batch):
    from unveilify.training.losses import Judges, generator_losses, total

    network, batch = Network(Config(size_px=32, width=0.25)), make_batch(2, 32)
    optimiser = torch.optim.Adam(network.parameters(), 10 * RECIPE.lr_g)
    totals = []
    for _ in range(30):
        optimiser.zero_grad()
        losses = generator_losses(network(batch), batch, Judges(None, None, {}), RECIPE)
        assert set(losses) == {"mse", "ssim"}
        loss = total(losses)
        loss.backward()
        optimiser.step()
        totals.append(float(loss.detach()))
    assert totals[-1] < 0.5 * totals[0]


def test_has_no_discriminator_and_refuses_odd_sizes():
    assert discriminator(Config()) is None
    with pytest.raises(UserError, match="power of two"):
        build(Config, {"size_px": 48})
