"""Din et al.: size, two stages that learn apart, two discriminators on a schedule, the loss on features."""

from dataclasses import replace

import pytest
import torch
from blurred_eye import Eye
from torch import nn
from torch.nn.functional import binary_cross_entropy, l1_loss

from unveilify.core.config import build
from unveilify.core.errors import UserError
from unveilify.models.contract import Batch, Output
from unveilify.models.cost import cost
from unveilify.models.layers.extra import Paced
from unveilify.models.zoo.din import RECIPE, SMALL, Config, Network, agreement, discriminator, extra_losses, vgg_loss
from unveilify.training.losses import Judges, adversarial_loss, discriminator_loss, generator_losses, total


def tiny(size_px: int = 32, **settings: float) -> Config:
    return Config(size_px=size_px, width=0.25, critic_width=0.125, **settings)


def test_its_size_is_what_the_docs_say():
    found = cost("din", Config())
    assert found.parameters == pytest.approx(21.909e6, rel=1e-4)
    assert found.macs == pytest.approx(3.087e9, rel=1e-3)
    small = cost("din", Config(size_px=64, **SMALL))
    assert small.parameters == pytest.approx(2.090e6, rel=1e-3)
    with torch.device("meta"):
        assert sum(p.numel() for p in discriminator(Config()).parameters()) == pytest.approx(5.532e6, rel=1e-3)


@pytest.mark.parametrize("size_px", [32, 64, 128])
def test_every_parameter_learns_at_every_size(size_px, make_batch):
    config = tiny(size_px)
    network, critic, batch = Network(config).train(), discriminator(config), make_batch(2, size_px)
    output = network(batch)
    assert output.image.shape == batch.masked.shape
    assert output.image.abs().max() <= 1
    loss = l1_loss(output.image, batch.unmasked) + binary_cross_entropy(output.alpha, batch.hole)
    (loss + critic(output.image, batch).square().mean()).backward()
    for module in (network, critic):
        dead = [name for name, p in module.named_parameters() if p.grad is None or not p.grad.any()]
        assert dead == []


def test_the_stages_are_trained_apart(make_batch):
    network, batch = Network(tiny()), make_batch(2, 32)
    output = network(batch)
    l1_loss(output.image, batch.unmasked).backward(retain_graph=True)
    assert all(p.grad is None for p in network.map.parameters())
    assert all(p.grad is not None for p in network.edit.parameters())
    network.zero_grad(set_to_none=True)
    binary_cross_entropy(output.alpha, batch.hole).backward()
    assert all(p.grad is not None for p in network.map.parameters())
    assert all(p.grad is None for p in network.edit.parameters())


def test_the_editing_stage_sees_what_the_map_stage_found(make_batch):
    network, batch = Network(tiny()).eval(), make_batch(1, 32)
    with torch.no_grad():
        images = []
        for verdict in (-9.0, 9.0):
            network.map.last.weight.zero_()
            network.map.last.bias.fill_(verdict)
            images.append(network(batch).image)
    assert not torch.allclose(*images, atol=1e-4)


def test_the_map_stage_learns_where_an_easy_mask_is(make_batch):
    """White masks on darker faces, wherever they sit: found on pictures it has not seen."""

    def scene(seed: int):
        batch = make_batch(4, 32, seed=seed)
        hole = (batch.hole > 0).float().roll(-3 * (seed % 4), -1)
        return replace(batch, masked=0.5 * batch.unmasked * (1 - hole) + 0.95 * hole, hole=hole)

    network = Network(Config(size_px=32, width=0.5))
    optimiser = torch.optim.Adam(network.map.parameters(), 2e-3, betas=RECIPE.betas)
    for step in range(60):
        optimiser.zero_grad()
        batch = scene(step)
        binary_cross_entropy(torch.sigmoid(network.map(batch.masked)), batch.hole).backward()
        optimiser.step()
    unseen = scene(1001)
    with torch.no_grad():
        found = network.eval()(unseen).alpha
    assert agreement(found > 0.5, unseen.hole) > 0.9


def test_its_own_losses_fit_one_batch(make_batch):
    network, batch = Network(Config(size_px=32, width=0.5)).train(), make_batch(2, 32)
    optimiser = torch.optim.Adam(network.parameters(), 10 * RECIPE.lr_g, RECIPE.betas)
    totals = []
    for _ in range(30):
        optimiser.zero_grad()
        losses = generator_losses(network(batch), batch, Judges(None, None, {}), RECIPE)
        assert set(losses) == {"l1", "ssim", "alpha"}
        loss = total(losses)
        loss.backward()
        optimiser.step()
        totals.append(float(loss.detach()))
    assert totals[-1] < 0.6 * totals[0]


def test_agreement_is_intersection_over_union():
    found, true = torch.zeros(1, 1, 40, 40), torch.zeros(1, 1, 40, 40)
    assert agreement(found, true) == 1
    found[..., :20, :], true[..., 10:30, :] = 1, 0.1
    assert float(agreement(found, true)) == pytest.approx(1 / 3, abs=2e-3)


def test_the_second_discriminator_joins_late_and_counts_seven_tenths(make_batch):
    critic, batch = discriminator(tiny(region_from=0.4)), make_batch(2, 32)
    assert isinstance(critic, Paced)
    made = batch.masked
    critic.at(0.39)
    alone = adversarial_loss(critic, made, batch, RECIPE)
    assert critic(made, batch).shape[1] == 1
    discriminator_loss(critic, made, batch, RECIPE).backward()
    assert all(p.grad is None for p in critic.region.parameters())
    critic.at(0.4)
    both = adversarial_loss(critic, made, batch, RECIPE)
    logits = critic(made, batch)
    assert logits.shape[1] == 10
    region = nn.functional.softplus(-logits[:, -1]).mean()
    torch.testing.assert_close(both, 0.3 * alone + 0.7 * region)


def test_the_second_discriminator_judges_what_is_under_the_mask(make_batch):
    critic, batch = discriminator(tiny()), make_batch(1, 32)
    image = batch.unmasked.clone().requires_grad_(True)
    critic(image, batch)[:, -1].sum().backward()
    inside = (batch.hole > 0).expand_as(image)
    assert image.grad[inside].any()
    assert not image.grad[~inside].any()


def test_the_loss_on_features_by_hand():
    """Brightness off by 0.3 everywhere, over 1.5: relative error 0.2 in three layers."""
    truth = torch.zeros(1, 3, 32, 32)
    batch = Batch(truth, truth[:, None], torch.ones(1, dtype=torch.int64), truth[:, :1], truth)
    found = vgg_loss(1.0, Eye(), Output(truth + 0.3), batch)
    assert float(found["features"]) == pytest.approx(3 * 0.2**2, rel=1e-4)
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
    assert extra_losses(tiny(feature_loss=0), torch.device("cpu")).notes == {"features": "off"}


def test_the_loss_on_real_features_falls_towards_the_truth(weights, monkeypatch, make_batch):
    monkeypatch.setenv("UNVEILIFY_WEIGHTS", str(weights))
    losses, batch = extra_losses(tiny(), torch.device("cpu")).losses, make_batch(2, 64)
    assert losses is not None
    image = batch.masked.clone().requires_grad_(True)
    far = losses(Output(image), batch)["features"]
    far.backward()
    assert image.grad.isfinite().all()
    nearer = losses(Output(image.detach() - 0.1 * image.grad / image.grad.abs().max()), batch)["features"]
    assert nearer < far


def test_odd_sizes_are_refused():
    with pytest.raises(UserError, match="power of two"):
        build(Config, {"size_px": 100})
