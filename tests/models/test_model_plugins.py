"""What the contract asks of every model, whichever files there are."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from unveilify.core import plugins
from unveilify.models import store
from unveilify.models.contract import Fits, Plugin, Recipe, Sized, plugin
from unveilify.weights import Missing

NAMES = plugins.names("model")
TRAINED = [name for name in NAMES if plugin(name).TRAINS]


def small(module: Plugin, size_px: int = 32) -> Sized:
    width = {"width": 0.25} if "width" in module.Config.model_fields else {}
    return module.Config.model_validate({"size_px": size_px, **width})


@pytest.mark.parametrize("name", NAMES)
def test_declares_the_contract(name):
    module = plugin(name)
    assert isinstance(module.USES_HOLE, bool)
    assert isinstance(module.TRAINS, bool)
    assert isinstance(module.RECIPE, Recipe)
    assert module.__doc__
    assert module.Config().size_px == 256
    assert small(module).model_config["extra"] == "forbid"


@pytest.mark.parametrize("size_px", [32, 64])
@pytest.mark.parametrize("name", NAMES)
def test_gives_a_picture_of_the_same_size(name, size_px, make_batch):
    module = plugin(name)
    network = module.Network(small(module, size_px)).eval()
    batch = make_batch(2, size_px, identities=2)
    if isinstance(network, Fits):
        network.fit([batch])
    with torch.no_grad():
        output = network(batch)
    assert output.image.shape == (2, 3, size_px, size_px)
    assert output.image.isfinite().all()
    assert output.clamped.abs().max() <= 1
    assert all(value.ndim == 0 and not value.requires_grad for value in output.logs.values())
    if output.alpha is not None:
        assert output.alpha.shape == (2, 1, size_px, size_px)
        assert output.alpha.min() >= 0
        assert output.alpha.max() <= 1


@pytest.mark.parametrize("name", NAMES)
def test_works_alone_and_without_an_identity_image(name, make_batch):
    module = plugin(name)
    network = module.Network(small(module)).eval()
    both = make_batch(2, 32)
    if isinstance(network, Fits):
        network.fit([both])
    with torch.no_grad():
        together = network(both).image[:1]
        alone = network(make_batch(1, 32, seed=1)).image
        first = network(slice_batch(both)).image
        assert network(both.without_identity()).image.isfinite().all()
    assert alone.shape == (1, 3, 32, 32)
    torch.testing.assert_close(first, together, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("name", [name for name in NAMES if not plugin(name).USES_HOLE])
def test_a_blind_network_never_looks_at_the_hole(name, make_batch):
    module = plugin(name)
    network = module.Network(small(module)).eval()
    batch = make_batch(1, 32)
    with torch.no_grad():
        told = network(batch).image
        untold = network(replace(batch, hole=torch.full_like(batch.hole, float("nan")))).image
    torch.testing.assert_close(told, untold, atol=0, rtol=0)


# Without a pretrained recogniser `first_approach` sees nobody; its own tests give it one.
SWITCHED = [(name, {}) for name in NAMES if name != "first_approach"] + [
    ("unveilify", {"identity": False}),
    ("dmfn", {"identity": True}),
]


@pytest.mark.parametrize(("name", "settings"), SWITCHED)
def test_says_whether_it_looks_at_the_identity_image(name, settings, make_batch, see_masks):
    module = plugin(name)
    config = small(module).model_copy(update=settings)
    network = see_masks(module.Network(config).eval())
    batch = make_batch(2, 32)
    if isinstance(network, Fits):
        network.fit([batch])
    with torch.no_grad():
        own, strange = network(batch).image, network(batch.with_strangers()).image
    assert torch.equal(own, strange) is not config.uses_identity


@pytest.mark.parametrize("name", NAMES)
def test_ignores_repeated_identity_images(name, make_batch):
    module = plugin(name)
    network = module.Network(small(module)).eval()
    batch = replace(make_batch(1, 32, identities=3), real=torch.tensor([1]))
    if isinstance(network, Fits):
        network.fit([batch])
    other = batch.identity.clone()
    other[:, 1:] = 0.3
    with torch.no_grad():
        a, b = network(batch).image, network(replace(batch, identity=other)).image
    torch.testing.assert_close(a, b, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", TRAINED)
def test_every_parameter_learns(name, make_batch):
    module = plugin(name)
    config = small(module)
    network = module.Network(config).train()
    batch = make_batch(2, 32, identities=2)
    try:
        output = network(batch)
    except Missing as missing:
        pytest.skip(f"refuses to be trained without its pretrained network: {missing}")
    loss = (output.image - batch.unmasked).abs().mean() + sum(output.terms.values())
    if output.alpha is not None:
        loss = loss + (output.alpha - batch.hole).square().mean()
    loss.backward()
    learning = {n: p for n, p in network.named_parameters() if p.requires_grad}
    dead = [n for n, p in learning.items() if p.grad is None or not p.grad.any()]
    assert dead == []
    assert all(p.grad.isfinite().all() for p in learning.values())

    critic = module.discriminator(config)
    if critic is not None:
        critic.train()
        (critic(output.image.detach(), batch).square().mean() - critic(batch.unmasked, batch).mean()).backward()
        dead = [n for n, p in critic.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
        assert dead == []


@pytest.mark.parametrize("name", TRAINED)
def test_the_discriminator_reaches_the_generator(name, make_batch):
    module = plugin(name)
    config = small(module)
    critic = module.discriminator(config)
    if critic is None:
        pytest.skip("has no discriminator")
    image = make_batch(2, 32).masked.requires_grad_(True)
    critic(image, make_batch(2, 32)).sum().backward()
    assert image.grad.isfinite().all()
    assert image.grad.any()


@pytest.mark.parametrize("name", NAMES)
def test_is_saved_and_read_back(name, make_batch, tmp_path: Path):
    module = plugin(name)
    config = small(module)
    network = module.Network(config).eval()
    batch = make_batch(1, 32)
    if isinstance(network, Fits):
        network.fit([batch])
    store.save(tmp_path / "n.safetensors", name, config, network.state_dict())
    stored = store.load(tmp_path / "n.safetensors")
    assert (stored.model, stored.config) == (name, config)
    with torch.no_grad():
        torch.testing.assert_close(stored.network(batch).image, network(batch).image, atol=0, rtol=0)


def slice_batch(batch):
    return batch.first(1)
