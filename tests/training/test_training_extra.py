"""Losses that a plugin or its discriminator brings along."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from unveilify.models.contract import Batch, Output, Recipe
from unveilify.models.layers.extra import ExtraLosses
from unveilify.training.config import TrainConfig
from unveilify.training.losses import Judges, generator_losses, matching_loss
from unveilify.training.step import settle, train_step
from unveilify.training.trainer import build_trainer

OWN = {"network": {"width": 0.125}, "size_px": 32, "samples": 8, "batch": 2}


class Matching(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(2.0))
        self.match_weight = 7.0

    def match(self, image: Tensor, batch: Batch) -> Tensor:
        return (self.weight * (image - batch.masked)).abs().mean()


def test_the_networks_own_losses_are_added_and_said(batch: Batch) -> None:
    extra = ExtraLosses(lambda output, batch: {"own": output.image.mean()}, {"own": "live (it)"}, {"own": 3.0})
    judges = Judges(None, None, {"l1": "live"}).with_extra(extra)
    assert judges.notes == {"l1": "live", "own": "live (it)"}
    found = generator_losses(Output(torch.full_like(batch.masked, 0.5)), batch, judges, Recipe())
    assert {name: (float(loss.value), loss.weight) for name, loss in found.items()} == {"own": (0.5, 3.0)}


def test_matching_leaves_the_discriminator_alone(batch: Batch) -> None:
    critic, image = Matching(), (batch.masked + 1).requires_grad_(True)
    found = matching_loss(critic, image, batch)["matching"]
    assert (float(found.value.detach()), found.weight) == (pytest.approx(2), 7)
    found.value.backward()  # type: ignore[no-untyped-call]
    assert image.grad is not None
    assert critic.weight.grad is None
    assert critic.weight.requires_grad
    assert matching_loss(nn.Identity(), image, batch) == {}


def test_a_step_of_dmfn_plays_with_all_its_losses(batch: Batch, weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNVEILIFY_WEIGHTS", str(weights))
    trainer = build_trainer(TrainConfig(model="dmfn", **OWN), torch.device("cpu"))
    assert trainer.judges.notes["features"].startswith("live")
    losses = train_step(trainer, batch)
    assert set(losses) == {"l1", "features", "alignment", "adversarial", "matching", "discriminator"}
    settle(trainer)
    assert trainer.state.position.skipped == 0
    frozen = [name for name, p in trainer.state.modules["discriminator"].named_parameters() if not p.requires_grad]
    assert frozen == []


def test_mask2face_is_trained_without_a_game(batch: Batch) -> None:
    trainer = build_trainer(TrainConfig(model="mask2face", **OWN), torch.device("cpu"))
    assert set(trainer.state.modules) == {"network", "average"}
    assert set(train_step(trainer, batch)) == {"mse", "ssim"}


def test_the_second_discriminator_of_din_joins_on_schedule(batch: Batch) -> None:
    trainer = build_trainer(TrainConfig(model="din", recipe={"adversarial_from": 0.0}, **OWN), torch.device("cpu"))
    critic = trainer.state.modules["discriminator"]
    before = {name: p.detach().clone() for name, p in critic.named_parameters()}

    def moved(part: str) -> bool:
        return any(not torch.equal(before[name], p) for name, p in critic.named_parameters() if name.startswith(part))

    for whole, region in ((True, False), (True, False), (True, True)):
        losses = train_step(trainer, batch)
        assert {"l1", "ssim", "alpha", "adversarial", "discriminator", "map_iou"} <= set(losses)
        assert (moved("whole"), moved("region")) == (whole, region), trainer.state.position.seen


def test_a_step_of_refface_uses_all_it_has(batch: Batch, weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNVEILIFY_WEIGHTS", str(weights))
    trainer = build_trainer(TrainConfig(model="refface", **OWN), torch.device("cpu"))
    losses = train_step(trainer, batch)
    assert set(losses) == {"l1", "features", "identity", "adversarial", "discriminator"}
    settle(trainer)
    assert trainer.state.position.skipped == 0
