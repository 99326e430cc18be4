"""Reference-guided inpainting: size, what the reference does and does not, its discriminators, the loss on features."""

from dataclasses import replace

import pytest
import torch
from blurred_eye import Eye
from torch.nn.functional import l1_loss

from unveilify.core.config import build
from unveilify.core.errors import UserError
from unveilify.models.contract import Batch, Output
from unveilify.models.cost import cost
from unveilify.models.zoo.refface import (
    RECIPE,
    SMALL,
    VGG_WEIGHTS,
    Config,
    Network,
    crop,
    discriminator,
    extra_losses,
    vgg_loss,
    windows,
)
from unveilify.training.losses import Judges, adversarial_loss, generator_losses, total


def tiny(size_px: int = 32, **settings: float) -> Config:
    return Config(size_px=size_px, width=0.25, critic_width=0.125, **settings)


def test_without_its_own_identity_encoder_it_costs_what_the_original_costs():
    """The original has 128.872 M, 0.233 M of them to segment the face, and another 4.325 M to judge the whole."""
    found = cost("refface", Config())
    assert found.parameters == pytest.approx(140.154e6, rel=1e-4)
    with torch.device("meta"):
        network, critic = Network(Config()), discriminator(Config())
        own = sum(p.numel() for p in network.who.parameters())
        assert sum(p.numel() for p in critic.whole.parameters()) == pytest.approx(4.325e6, rel=5e-3)
        assert sum(p.numel() for p in critic.parameters()) == pytest.approx(6.384e6, rel=1e-3)
    assert found.parameters - own == pytest.approx(128.872e6 - 0.233e6, rel=1e-3)
    assert found.macs == pytest.approx(20.891e9, rel=1e-3)
    assert cost("refface", Config(size_px=64, **SMALL)).parameters == pytest.approx(2.033e6, rel=1e-3)


@pytest.mark.parametrize("size_px", [32, 64, 128])
def test_every_parameter_learns_at_every_size(size_px, make_batch):
    config = tiny(size_px, no_reference=0)
    network, critic, batch = Network(config).train(), discriminator(config), make_batch(2, size_px)
    image = network(batch).image
    logits = critic(image, batch)
    assert logits.shape == (2, 4, 4, 4)
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
    assert torch.equal(image, other)


def test_the_reference_matters_and_none_is_none(make_batch):
    network = Network(tiny()).eval()
    batch, other = make_batch(1, 32, identities=2), make_batch(1, 32, identities=2, seed=1)
    swapped = replace(batch, identity=other.identity)
    with torch.no_grad():
        assert not torch.allclose(network(batch).image, network(swapped).image, atol=1e-4)
        none = network(batch.without_identity()).image
        assert torch.equal(none, network(swapped.without_identity()).image)
        assert not torch.allclose(none, network(batch).image, atol=1e-4)
        both = network(batch).image
        assert torch.allclose(both, network(replace(batch, identity=batch.identity.flip(1))).image, atol=1e-5)
        assert not torch.allclose(both, network(replace(batch, real=torch.tensor([1]))).image, atol=1e-5)


def test_a_part_that_shows_takes_no_style_from_the_reference(make_batch):
    """The identity vector taken away, only a covered nose or mouth can look like the reference's."""
    network, batch = Network(tiny(64)).eval(), make_batch(1, 64)
    other = batch.identity.roll(13, -1)
    with torch.no_grad():
        network.who.linear.weight.zero_()
        covered = network(batch).image - network(replace(batch, identity=other)).image
        hole = torch.zeros_like(batch.hole)
        hole[..., 56:, :] = 1
        chin = replace(batch, hole=hole)
        shown = network(chin).image - network(replace(chin, identity=other)).image
    assert covered.abs().max() > 1e-4
    assert not shown.any()


def test_in_training_some_are_their_own_reference_and_some_have_none(make_batch):
    batch = make_batch(4, 32, identities=2)
    network = Network(tiny(own_reference=0.5, no_reference=0.2)).train()
    counts = {"own": 0, "none": 0}
    for _ in range(100):
        identity, real = network.reference(batch)
        own = (identity[:, 0] == batch.unmasked).all(1).all(1).all(1)
        assert not (real[own] > 1).any()
        counts["own"] += int(own.sum())
        counts["none"] += int((real == 0).sum())
    assert 160 < counts["own"] < 240
    assert 50 < counts["none"] < 110
    identity, real = network.eval().reference(batch)
    assert identity is batch.identity
    assert real is batch.real


def test_nose_and_mouth_are_where_a_face_crop_has_them():
    """Eyes at 0.40 of the height; ArcFace's template has the nose 0.57 and the mouth 1.16 eye distances below."""
    nose, mouth = windows(100, torch.device("cpu"))
    rows = torch.arange(100) + 0.5
    centres = [float((w.sum(1) * rows).sum() / w.sum()) for w in (nose, mouth)]
    assert centres == pytest.approx([54.25, 69.0], abs=0.6)
    torch.testing.assert_close(nose, nose.flip(1))
    assert (mouth > 0.5).sum() > 100


def test_the_crop_is_the_square_around_the_part():
    ramp = torch.linspace(0, 1, 80).expand(1, 1, 80, 80)
    found = crop(torch.cat([ramp, ramp.mT, ramp], 1), 1.16, 28)
    assert found.shape == (1, 3, 28, 28)
    assert float(found[:, 0].mean()) == pytest.approx(0.5, abs=0.01)
    assert float(found[:, 1].mean()) == pytest.approx(0.69, abs=0.02)
    assert float(found[:, 0].max() - found[:, 0].min()) == pytest.approx(0.35, abs=0.03)


def test_the_whole_counts_one_and_each_part_half(make_batch):
    critic, batch = discriminator(tiny()).eval(), make_batch(2, 32)
    with torch.no_grad():
        loss = adversarial_loss(critic, batch.masked, batch, RECIPE)
        logits = critic(batch.masked, batch)
    wanted = -(logits[:, 0].mean() + 0.5 * logits[:, 2].mean() + 0.5 * logits[:, 3].mean())
    torch.testing.assert_close(RECIPE.adversarial * loss, wanted)


def test_its_own_losses_fit_one_batch(make_batch):
    network, batch = Network(tiny()).train(), make_batch(2, 32)
    optimiser = torch.optim.Adam(network.parameters(), 5 * RECIPE.lr_g, RECIPE.betas)
    totals = []
    for _ in range(40):
        optimiser.zero_grad()
        losses = generator_losses(network(batch), batch, Judges(None, None, {}), RECIPE)
        assert set(losses) == {"l1"}
        total(losses).backward()
        optimiser.step()
        totals.append(float(losses["l1"].value.detach()))
    assert totals[-1] < 0.4 * totals[0]


def test_the_loss_on_features_by_hand():
    """Brightness off by 0.3 everywhere, over 1.5: relative error 0.2 in every layer."""
    truth = torch.zeros(1, 3, 32, 32)
    batch = Batch(truth, truth[:, None], torch.ones(1, dtype=torch.int64), truth[:, :1], truth)
    found = vgg_loss(1.0, Eye(), Output(truth + 0.3), batch)
    assert float(found["features"]) == pytest.approx(0.2 * sum(VGG_WEIGHTS), rel=1e-4)
    assert vgg_loss(1.0, Eye(), Output(truth), batch)["features"] == 0
    half = Batch(
        *(torch.cat([f, f]) for f in (batch.masked, batch.identity, batch.real, batch.hole)), truth.repeat(2, 1, 1, 1)
    )
    made = Output(torch.cat([truth, truth + 0.3]))
    assert vgg_loss(0.5, Eye(), made, half)["features"] == 0
    assert vgg_loss(0.6, Eye(), made, half)["features"] > 0


def test_a_missing_vgg_is_said(monkeypatch, tmp_path):
    monkeypatch.setenv("UNVEILIFY_WEIGHTS", "")
    monkeypatch.setenv("UNVEILIFY_CACHE", str(tmp_path))
    found = extra_losses(tiny(), torch.device("cpu"))
    assert found.losses is None
    assert "not live" in found.notes["features"]


def test_odd_sizes_are_refused():
    with pytest.raises(UserError, match="power of two"):
        build(Config, {"size_px": 100})
