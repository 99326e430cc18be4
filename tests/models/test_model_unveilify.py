"""The network of the paper: shapes, gradients, sharpness, ablations, size."""

from dataclasses import replace

import pytest
import torch
from torch.nn.functional import conv2d, l1_loss

from unveilify.core.config import build
from unveilify.core.errors import UserError
from unveilify.models.layers.stylegan import ModulatedConv, StyleBlock
from unveilify.models.zoo.unveilify import Config, Network, discriminator


def tiny(size_px: int = 32, **switches: bool) -> Config:
    return Config(size_px=size_px, width=0.125, depth=0.2, **switches)


@pytest.mark.parametrize("size_px", [32, 64, 128, 256])
def test_shapes_at_every_size(size_px, make_batch):
    config = tiny(size_px)
    batch = make_batch(1, size_px)
    with torch.no_grad():
        image = Network(config)(batch).image
        logits = discriminator(config)(image, batch)
    assert image.shape == (1, 3, size_px, size_px)
    assert logits.shape[:2] == (1, 1)
    assert logits.shape[2] == {32: 8, 64: 8, 128: 8, 256: 16}[size_px]


@pytest.mark.parametrize("size_px", [0, 16, 48, 100])
def test_other_sizes_are_refused_in_one_sentence(size_px):
    with pytest.raises(UserError, match="power of two"):
        build(Config, {"size_px": size_px})


@pytest.mark.parametrize("switches", [{}, {"unet": False}, {"identity": False}, {"normalise": False}])
@pytest.mark.parametrize("size_px", [32, 64])
def test_every_parameter_gets_a_gradient_in_every_ablation(switches, size_px, make_batch):
    config = tiny(size_px, **switches)
    network, batch = Network(config), make_batch(1, size_px)
    image = network(batch).image
    (l1_loss(image, batch.unmasked) + discriminator(config)(image, batch).mean()).backward()
    dead = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert dead == []
    assert all(p.grad.isfinite().all() for p in network.parameters())


def test_what_an_ablation_leaves_out_has_no_influence(make_batch):
    batch = make_batch(1, 32)
    other = make_batch(1, 32, seed=1)
    with torch.no_grad():
        blind = Network(tiny(unet=False))
        torch.testing.assert_close(blind(batch).image, blind(replace(batch, masked=other.masked)).image)
        nobody = Network(tiny(identity=False))
        torch.testing.assert_close(nobody(batch).image, nobody(replace(batch, identity=other.identity)).image)
        critic = discriminator(tiny(identity=False))
        torch.testing.assert_close(
            critic(batch.masked, batch), critic(batch.masked, replace(batch, identity=other.identity))
        )
        full = Network(tiny())
        assert not torch.allclose(full(batch).image, full(replace(batch, identity=other.identity)).image, atol=1e-4)
        assert not torch.allclose(full(batch).image, full(replace(batch, masked=other.masked)).image, atol=1e-4)


@pytest.mark.parametrize("normalise", [True, False])
def test_style_codes_are_normalised_unless_ablated(normalise, make_batch):
    network = Network(tiny(normalise=normalise))
    with torch.no_grad():
        for head in network.psp.heads:
            head.linear.weight.mul_(10)
        spread = torch.stack([code.std(1, correction=0) for code in network.styles(make_batch(2, 32))])
    if normalise:
        torch.testing.assert_close(spread, torch.ones_like(spread), atol=1e-2, rtol=0)
    else:
        assert spread.min() > 2


def test_modulated_convolution_is_the_grouped_formula():
    """Karras et al. 2020, eqs. 1-3, written out as weights per sample, in float64."""
    layer = ModulatedConv(6, 5, style_dim=7).double()
    x, style = torch.randn(3, 6, 8, 8, dtype=torch.float64), torch.randn(3, 7, dtype=torch.float64)
    scale = layer.affine(style)
    weight = layer.weight[None] * scale[:, None, :, None, None]
    weight = weight * torch.rsqrt(weight.square().sum((2, 3, 4), keepdim=True) + 1e-8)
    wanted = conv2d(x.reshape(1, 18, 8, 8), weight.reshape(15, 6, 3, 3), padding=1, groups=3).reshape(3, 5, 8, 8)
    y, demodulation = layer(x, style)
    torch.testing.assert_close(y * demodulation[:, :, None, None], wanted, atol=1e-12, rtol=1e-12)


def test_style_and_skip_are_added_with_learned_weights():
    block = StyleBlock(4, 4, 8, 4, up=False).double()
    with torch.no_grad():
        block.style_weight.copy_(torch.rand(4))
        block.skip_weight.copy_(torch.rand(4))
        block.bias.copy_(torch.randn(4))
    x, skip = torch.randn(2, 2, 4, 8, 8, dtype=torch.float64)
    style = torch.randn(2, 8, dtype=torch.float64)
    y, demodulation = block.conv(x, style)
    styled = y * demodulation[:, :, None, None]
    a, b = block.style_weight[:, None, None], block.skip_weight[:, None, None]
    wanted = 2 * torch.nn.functional.leaky_relu(a * styled + b * block.skip(skip) + block.bias[:, None, None], 0.2)
    torch.testing.assert_close(block(x, style, skip), wanted)


def test_the_balance_of_style_and_skip_is_logged_and_begins_even(make_batch):
    logs = Network(tiny())(make_batch(1, 32)).logs
    assert {name: float(value) for name, value in logs.items()} == {"style_weight": 0.5, "skip_weight": 0.5}
    assert set(Network(tiny(unet=False))(make_batch(1, 32)).logs) == {"style_weight"}


def test_output_carries_detail_at_the_highest_frequency(make_batch):
    """A checkerboard of single pixels passes through; the authors' network, which ends at half size, has none."""
    board = (torch.arange(32)[:, None] + torch.arange(32)) % 2 * 2.0 - 1
    wanted = board.expand(1, 3, 32, 32) * 0.8
    batch = replace(make_batch(1, 32), masked=wanted / 2)
    network = Network(tiny())
    optimiser = torch.optim.Adam(network.parameters(), 5e-3)
    for _ in range(40):
        optimiser.zero_grad()
        loss = l1_loss(network(batch).image, wanted)
        loss.backward()
        optimiser.step()
    carried = (network(batch).image * board).mean()
    assert carried > 0.4, f"of an amplitude of 0.8, {carried:.2f} came out"


def test_fresh_output_has_energy_above_half_nyquist(make_batch):
    """The authors' code has a share of 2e-4 there by construction."""
    noise = torch.rand(1, 3, 64, 64) * 2 - 1
    with torch.no_grad():
        image = Network(tiny(64))(replace(make_batch(1, 64), masked=noise)).image
    power = torch.fft.fft2(image - image.mean((2, 3), keepdim=True)).abs().square().mean((0, 1))
    frequency = torch.fft.fftfreq(64).abs()
    fine = (frequency[:, None] > 0.25) | (frequency[None] > 0.25)
    assert power[fine].sum() / power.sum() > 0.02


def test_first_pictures_lie_about_within_the_range(make_batch):
    with torch.no_grad():
        image = Network(Config(size_px=64, width=0.25, depth=0.3))(make_batch(2, 64)).image
    assert image.std() < 1
    assert image.abs().max() < 5


def test_bfloat16_differs_by_little_and_the_picture_is_float32(make_batch):
    network, batch = Network(tiny()).eval(), make_batch(1, 32)
    with torch.no_grad():
        exact = network(batch).image
        with torch.autocast("cpu", torch.bfloat16):
            rough = network(batch).image
    assert rough.dtype == torch.float32
    assert (rough - exact).abs().mean() < 0.02


def test_the_paper_sized_network_is_the_size_of_the_papers_live_half():
    """The authors' generator has 192.5 M parameters of which 94.2 M get no gradient; 98.3 M live."""
    with torch.device("meta"):
        millions = sum(p.numel() for p in Network(Config()).parameters()) / 1e6
        critic = sum(p.numel() for p in discriminator(Config()).parameters()) / 1e6
    assert 90 < millions < 107
    assert 2.5 < critic < 3.1


def test_the_small_preset_is_small():
    with torch.device("meta"):
        millions = sum(p.numel() for p in Network(Config(size_px=64, width=0.25, depth=0.3)).parameters()) / 1e6
    assert 1 < millions < 3
