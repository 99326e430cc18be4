"""Which validation's weights a run keeps."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from unveilify.core.written import OutputFolder
from unveilify.models.contract import Recipe
from unveilify.training import checkpointer as checkpointer_module
from unveilify.training.checkpointer import Checkpointer
from unveilify.training.config import TrainConfig
from unveilify.training.distributed import World
from unveilify.training.loop import Machine, run
from unveilify.training.state import checkpoints, name_of
from unveilify.training.trainer import build_trainer


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [
        (Recipe(l1=1), 0.0),
        (Recipe(adversarial=1, adversarial_from=0.5), 0.75),
        (Recipe(adversarial=0, adversarial_from=0.5), 0.0),
        (Recipe(adversarial=1, adversarial_from=0.1, identity=1, identity_from=0.2), 0.6),
    ],
)
def test_a_recipe_settles_when_its_last_loss_has_acted_for_half_of_its_time(recipe: Recipe, expected: float) -> None:
    assert recipe.best_from == pytest.approx(expected)


def kept(costs: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **recipe: float) -> int:
    """Which of validations at 10, 20, ... triplets, with these costs, is kept at the end."""
    config = TrainConfig(
        network={"width": 0.1, "depth": 0.2},
        recipe={"lpips": 0, "identity": 0, **recipe},
        size_px=32,
        samples=10 * len(costs),
    )
    checkpointer = Checkpointer(OutputFolder(tmp_path), build_trainer(config, torch.device("cpu"), World()))
    monkeypatch.setattr(checkpointer_module, "grid", lambda *_: torch.zeros(2, 2, 3, dtype=torch.uint8).numpy())
    feed = SimpleNamespace(validation=list, preview=lambda: None)
    for index, price in enumerate(costs):
        monkeypatch.setattr(checkpointer_module, "validate", lambda *_, price=price: {"l1": price})
        checkpointer.trainer.state.position.seen = 10 * (index + 1)
        checkpointer.validate(feed)  # type: ignore[arg-type]
    return checkpointer.trainer.state.position.best_seen


def test_the_lowest_cost_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert kept([3, 1, 2, 2], tmp_path, monkeypatch) == 20


def test_once_a_late_loss_has_settled_no_earlier_weights_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert kept([3, 1, 4, 2], tmp_path, monkeypatch, adversarial_from=0.5) == 40
    assert kept([3, 1, 2, 4], tmp_path / "other", monkeypatch, adversarial_from=0.5) == 30


def test_weights_without_a_number_are_never_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert kept([3, 1, float("nan"), 2], tmp_path, monkeypatch, adversarial_from=0.5) == 40


def test_patience_waits_until_every_loss_has_settled(small_shards: Path, tmp_path: Path) -> None:
    config = TrainConfig(
        network={"width": 0.1, "depth": 0.2},
        recipe={"lpips": 0, "identity": 0, "adversarial_from": 0.5, "lr_g": 0.0},
        size_px=32,
        samples=64,
        batch=4,
        validate_every=4,
        validate_on=4,
        patience=2,
    )
    stamp = run(config, small_shards, tmp_path / "run", Machine("cpu", threads=1))
    assert stamp is not None
    assert 48 < stamp.counts["triplets"] < 64


def test_a_kill_before_the_oldest_checkpoint_is_dropped_keeps_none_too_many(
    small_shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small: dict[str, Any] = {"size_px": 32, "network": {"width": 0.1, "depth": 0.2}, "batch": 4, "samples": 12}
    config = TrainConfig(validate_every=4, validate_on=4, recipe={"lpips": 0, "identity": 0}, **small)
    with monkeypatch.context() as patch:
        patch.setattr(Checkpointer, "_drop_old", lambda self: None)
        patch.setattr(Checkpointer, "finish", lambda self: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run(config, small_shards, tmp_path / "run", Machine("cpu", 1))
    assert len(checkpoints(tmp_path / "run")) == 3
    run(config, small_shards, tmp_path / "run", Machine("cpu", 1))
    assert [path.name for path in checkpoints(tmp_path / "run")] == [name_of(8), name_of(12)]
