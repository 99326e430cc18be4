"""The paper's first approach: what it sees, the recogniser it leans on, and that this one is told apart and left out."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from unveilify import weights
from unveilify.core.config import build
from unveilify.core.errors import UserError
from unveilify.models import store
from unveilify.models.cost import cost
from unveilify.models.zoo import first_approach, unveilify
from unveilify.models.zoo.first_approach import Config, Network, discriminator
from unveilify.perception.recogniser import TorchRecogniser

TINY = Config(size_px=32, width=0.125, depth=0.2)


class Glance(nn.Module):
    """Stands for a recogniser: 16 random numbers of a face."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.linear = nn.Linear(3 * 14 * 14, 16, bias=False)

    def forward(self, faces: Tensor) -> Tensor:
        return self.linear(nn.functional.avg_pool2d(faces, 8).flatten(1))


@pytest.fixture
def _nothing_at_hand(monkeypatch, tmp_path: Path):
    monkeypatch.setenv("UNVEILIFY_WEIGHTS", "")
    monkeypatch.setenv("UNVEILIFY_CACHE", str(tmp_path))
    first_approach._frozen.cache_clear()


@pytest.fixture
def _invented(monkeypatch, _nothing_at_hand):
    """Two invented recognisers are at hand."""
    judges = ("fine", "quick")
    monkeypatch.setattr(first_approach.recogniser, "FOR_LOSS", judges)
    monkeypatch.setattr(first_approach.weights, "locate", lambda name: Path(name))
    monkeypatch.setattr(
        first_approach.recogniser, "load", lambda name: TorchRecogniser(name, Glance(), (0.5,) * 3, (0.5,) * 3)
    )
    caches = first_approach._frozen
    yield
    caches.cache_clear()


@pytest.mark.usefixtures("_invented")
@pytest.mark.parametrize("size_px", [32, 64, 128])
def test_every_parameter_gets_a_gradient(size_px, make_batch):
    config = TINY.model_copy(update={"size_px": size_px})
    network, batch = Network(config), make_batch(1, size_px)
    image = network(batch).image
    assert image.shape == (1, 3, size_px, size_px)
    (l1_loss(image, batch.unmasked) + discriminator(config)(image, batch).mean()).backward()
    dead = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert dead == []
    assert all(p.grad.isfinite().all() for p in network.parameters())


@pytest.mark.usefixtures("_invented")
def test_sees_the_masked_picture_and_whom_the_identity_images_show(make_batch):
    network = Network(TINY).eval()
    batch, other = make_batch(2, 32, identities=2), make_batch(2, 32, identities=2, seed=1)
    with torch.no_grad():
        image = network(batch).image
        for change in ({"masked": other.masked}, {"identity": other.identity}):
            assert not torch.allclose(network(replace(batch, **change)).image, image, atol=1e-4), change
        vector = network.vector(batch)
        assert vector.shape == (2, 512)
        torch.testing.assert_close(vector[:, :16].square().mean(1), torch.ones(2))
        assert not vector[:, 16:].any()
        assert not network.vector(batch.without_identity()).any()
        # The second sample has one real identity image: its repeat counts for nothing.
        repeated = batch.identity.clone()
        repeated[1, 1] = 0.3
        torch.testing.assert_close(network.vector(replace(batch, identity=repeated)), vector)


@pytest.mark.usefixtures("_invented")
def test_a_vector_moves_every_style_by_one_linear_map(make_batch):
    """w_i = pSp_i(masked) + A · r: with A set to zero the identity image has no influence left."""
    network, batch = Network(TINY).eval(), make_batch(1, 32)
    with torch.no_grad():
        network.who.weight.zero_()
        alone = network(batch.without_identity()).image
        torch.testing.assert_close(network(batch).image, alone, atol=0, rtol=0)


@pytest.mark.usefixtures("_invented")
def test_the_recogniser_is_neither_trained_nor_saved_but_remembered(make_batch, tmp_path, monkeypatch):
    network, batch = Network(TINY), make_batch(1, 32)
    names = set(network.state_dict())
    l1_loss(network(batch).image, batch.unmasked).backward()
    assert set(network.state_dict()) == names
    assert {name.split(".")[0] for name in names} == {"psp", "who", "generator", "trained_with"}
    judge = first_approach._frozen("fine", torch.device("cpu"))
    assert all(p.grad is None for p in judge.parameters())

    store.save(tmp_path / "n.safetensors", "first_approach", TINY, network.state_dict())
    loaded: list[str] = []
    monkeypatch.setattr(first_approach.recogniser, "FOR_LOSS", ("better", "quick", "fine"))
    monkeypatch.setattr(first_approach, "_frozen", lambda name, _: loaded.append(name) or judge)
    stored = store.load(tmp_path / "n.safetensors").network
    with torch.no_grad():
        torch.testing.assert_close(stored(batch).image, network.eval()(batch).image, atol=0, rtol=0)
    assert set(loaded) == {"fine"}
    monkeypatch.setattr(first_approach.recogniser, "FOR_LOSS", ("better",))
    with pytest.raises(UserError, match="train it again"):
        stored(batch)


@pytest.mark.usefixtures("_nothing_at_hand")
def test_without_a_recogniser_it_cannot_be_trained_and_says_what_is_missing(make_batch):
    network, batch = Network(TINY), make_batch(1, 32)
    with pytest.raises(weights.Missing, match="weights pull w600k_r50"):
        network(batch)
    with torch.no_grad():
        assert network.eval()(batch).image.isfinite().all()


def test_with_a_real_recogniser_the_vector_tells_people_apart(weights, monkeypatch, make_batch):
    monkeypatch.setenv("UNVEILIFY_WEIGHTS", str(weights))
    first_approach._frozen.cache_clear()
    network = Network(TINY)
    network(make_batch(1, 32))
    assert first_approach._name(int(network.trained_with)) in first_approach.recogniser.FOR_LOSS
    vector = network.vector(make_batch(2, 32))
    assert vector.isfinite().all()
    assert not torch.allclose(vector[0], vector[1], atol=0.1)


def test_costs_less_than_the_networks_it_led_to():
    """No U-Net and no skips: fewer parameters; the recogniser's are not among them."""
    sizes = {"size_px": 64, "width": 0.25, "depth": 0.3}
    mine = cost("first_approach", Config(**sizes)).parameters
    assert mine < cost("unveilify", unveilify.Config(**sizes)).parameters
    with torch.device("meta"):
        assert mine == sum(p.numel() for p in Network(Config(**sizes)).parameters())


@pytest.mark.parametrize("size_px", [0, 16, 48, 100])
def test_other_sizes_are_refused_in_one_sentence(size_px):
    with pytest.raises(UserError, match="power of two"):
        build(Config, {"size_px": size_px})
