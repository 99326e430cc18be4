"""DMFN: size, what it may see and change, its discriminator's crop, its own losses."""

from dataclasses import replace

import pytest
import torch
from blurred_eye import Eye
from torch import nn
from torch.nn.functional import l1_loss

from unveilify.core.config import build
from unveilify.core.errors import UserError
from unveilify.models.contract import Output
from unveilify.models.cost import cost
from unveilify.models.layers.extra import Matches
from unveilify.models.zoo import dmfn
from unveilify.models.zoo.dmfn import Config, Network, around, centroids, discriminator, error_map, extra_losses


def tiny(size_px: int = 32, **settings: float) -> Config:
    return Config(size_px=size_px, width=0.125, **settings)


def test_costs_what_the_original_costs():
    """Measured on the original: 9.04 M parameters, 45.9 GMAC, a discriminator of 36.67 M."""
    found = cost("dmfn", Config())
    assert found.parameters == pytest.approx(9.04e6, rel=2e-3)
    assert found.macs == pytest.approx(45.9e9, rel=2e-3)
    with torch.device("meta"):
        assert sum(p.numel() for p in discriminator(Config()).parameters()) == pytest.approx(36.67e6, rel=2e-3)
    told = cost("dmfn", Config(identity=True))
    assert told.parameters - found.parameters == 3 * 64 * 25


@pytest.mark.parametrize("identity", [False, True])
@pytest.mark.parametrize("size_px", [32, 64, 128])
def test_every_parameter_learns_at_every_size(size_px, identity, make_batch):
    config = tiny(size_px, identity=identity)
    network, critic, batch = Network(config), discriminator(config), make_batch(2, size_px)
    image = network(batch).image
    logits = critic(image, batch)
    assert logits.shape == (2, 1)
    (l1_loss(image, batch.unmasked) + logits.square().mean()).backward()
    for module in (network, critic):
        dead = [name for name, p in module.named_parameters() if p.grad is None or not p.grad.any()]
        assert dead == []


def test_known_pixels_are_untouched_and_the_mask_is_unseen(make_batch):
    network, batch = Network(tiny(64)).eval(), make_batch(2, 64)
    with torch.no_grad():
        image = network(batch).image
        other = network(replace(batch, masked=torch.where(batch.hole > 0, -0.5, batch.masked))).image
    outside = (batch.hole == 0).expand_as(image)
    assert torch.equal(image[outside], batch.masked[outside])
    assert not torch.allclose(image, batch.masked, atol=0.05)
    assert torch.equal(image, other), "what the mask looks like is nothing to a network that is told the hole"


def test_the_identity_image_counts_when_asked_for(make_batch):
    batch, other = make_batch(1, 32), make_batch(1, 32, seed=1)
    swapped = replace(batch, identity=other.identity)
    blind, told = Network(tiny()).eval(), Network(tiny(identity=True)).eval()
    with torch.no_grad():
        assert torch.equal(blind(batch).image, blind(swapped).image)
        assert not torch.allclose(told(batch).image, told(swapped).image, atol=1e-4)
        assert torch.equal(told(batch.without_identity()).image, told(swapped.without_identity()).image)


def test_the_crop_is_the_square_around_the_hole():
    ramp = torch.arange(16.0).expand(1, 1, 16, 16)
    image = torch.cat([ramp, ramp.mT, ramp * 0], 1)
    hole = torch.zeros(1, 1, 16, 16)
    hole[..., 6:10, 3:11] = 0.2
    # Columns 3…10 and, as a square about rows 6…9, rows 4…11: at half of 16 pixels, one for one.
    torch.testing.assert_close(around(image, hole), image[..., 4:12, 3:11], atol=1e-4, rtol=0)
    # At the lower edge the square is moved up into the picture.
    edge = hole.roll(6, 2)
    torch.testing.assert_close(around(image, edge), image[..., 8:16, 3:11], atol=1e-4, rtol=0)


def test_without_a_hole_the_crop_is_the_whole_picture(make_batch):
    image = make_batch(2, 32).masked
    for hole in (torch.zeros(2, 1, 32, 32), torch.ones(2, 1, 32, 32)):
        found = around(image, hole)
        torch.testing.assert_close(found, nn.functional.avg_pool2d(image, 2), atol=1e-4, rtol=0)


def test_the_discriminators_features_of_the_truth_match(make_batch):
    critic, batch = discriminator(tiny()), make_batch(2, 32)
    assert isinstance(critic, Matches)
    assert critic.match(batch.unmasked, batch) == 0
    made = batch.masked.clone().requires_grad_(True)
    loss = critic.match(made, batch)
    assert loss > 0
    loss.backward()
    assert made.grad[(batch.hole > 0).expand_as(made)].any()
    assert critic.match_weight == tiny().matching_loss


def test_centroids_are_where_the_mass_is():
    features = torch.zeros(1, 3, 5, 5)
    features[0, 0, 0, 4] = 7
    features[0, 1] = 1
    found = centroids(features)[0]
    torch.testing.assert_close(found[0], torch.tensor([1.0, -1.0]), atol=1e-3, rtol=0)
    torch.testing.assert_close(found[1:], torch.zeros(2, 2), atol=1e-3, rtol=0)


def test_the_error_map_points_at_the_worst_pixel():
    truth = torch.zeros(2, 3, 4, 4)
    image = truth.clone()
    image[0, :, 1, 2], image[0, :, 3, 3] = 0.8, 0.4
    guide = error_map(image, truth)
    assert (guide[0, 0, 1, 2], guide[0, 0, 3, 3]) == (1, 0.5)
    assert guide[1].sum() == 0


def test_the_losses_on_features_by_hand():
    """One pixel wrong by 0.6 over brightness 1.5: relative error 0.4; stress 2 there on the first layer."""
    truth = torch.zeros(1, 3, 16, 16)
    image = truth.clone()
    image[..., 4, 4] = 0.6
    zeros = torch.zeros(1, 1, 16, 16)
    batch = dmfn.Batch(truth, truth[:, None], torch.ones(1, dtype=torch.int64), zeros, truth)
    found = dmfn.vgg_losses(Eye(), Output(image), batch)
    mean = 0.4 / 256
    guided = (1000 / 64**2) * 2 * mean + (1000 / 128**2) * (1 + 1 / 4) * mean
    plain = (1000 / 256**2 + 2 * 1000 / 512**2) * mean
    assert float(found["features"]) == pytest.approx((guided + plain), rel=1e-4)
    assert found["alignment"] > 0
    right = dmfn.vgg_losses(Eye(), Output(truth), batch)
    assert all(value == 0 for value in right.values())


def test_a_missing_vgg_is_said_and_nothing_takes_its_place(monkeypatch, tmp_path):
    monkeypatch.setenv("UNVEILIFY_WEIGHTS", "")
    monkeypatch.setenv("UNVEILIFY_CACHE", str(tmp_path))
    found = extra_losses(tiny(), torch.device("cpu"))
    assert found.losses is None
    assert set(found.notes) == {"features", "alignment"}
    assert all("not live" in note and "vgg19_small16x_relu5" in note for note in found.notes.values())
    off = extra_losses(tiny(feature_loss=0, alignment_loss=0), torch.device("cpu"))
    assert (off.losses, set(off.notes.values())) == (None, {"off"})


def test_the_losses_on_the_real_network(weights, monkeypatch, make_batch):
    monkeypatch.setenv("UNVEILIFY_WEIGHTS", str(weights))
    found = extra_losses(tiny(), torch.device("cpu"))
    assert found.losses is not None
    for size_px in (32, 64):
        batch = make_batch(2, size_px)
        image = batch.masked.clone().requires_grad_(True)
        losses = found.losses(Output(image), batch)
        assert all(value.isfinite() and value > 0 for value in losses.values())
        sum(losses.values()).backward()
        assert image.grad.isfinite().all()
        assert image.grad.any()
        again = found.losses(Output(batch.unmasked), batch)
        assert all(float(value) == pytest.approx(0, abs=1e-6) for value in again.values())


def test_odd_sizes_are_refused():
    with pytest.raises(UserError, match="power of two"):
        build(Config, {"size_px": 100})
