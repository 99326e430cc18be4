"""What log.jsonl says: unweighted losses, means over the steps since the row before, rates."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from unveilify.core.config import build
from unveilify.training import loop, step
from unveilify.training import trainer as trainer_module
from unveilify.training.config import TrainConfig
from unveilify.training.distributed import World
from unveilify.training.loop import Machine, run
from unveilify.training.losses import Judges
from unveilify.training.state import RunningMeans
from unveilify.training.trainer import Trainer

SMALL: dict[str, Any] = {
    "network": {"width": 0.1, "depth": 0.2},
    "recipe": {"lpips": 0, "l1": 20.0, "identity": 0.5},
    "size_px": 32,
    "samples": 48,
    "batch": 4,
    "validate_on": 4,
    "identity_every": 4,
    "bf16": False,
}
CPU = torch.device("cpu")


class Recogniser:
    """Knows people by their mean colours."""

    def embed(self, images: Tensor) -> Tensor:
        return functional.normalize(images.mean((2, 3)))


def rows(out: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


def test_a_window_is_the_mean_of_the_steps_in_which_a_loss_acted() -> None:
    running = RunningMeans()
    for number in range(8):
        running.add({"l1": float(number)} | ({"identity": 0.5 + number} if number % 4 == 0 else {}))
    running.add({"l1": math.nan})
    assert running.close(World()) == {"l1": 3.5, "identity": 2.5}
    assert running == RunningMeans()
    running.add({"l1": math.inf})
    assert math.isnan(running.close(World())["l1"])


def test_the_log_tells_every_loss_unweighted_and_averaged(
    small_shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The identity loss acts in every 4th step and once never showed in a row of every 50th."""
    taken: list[dict[str, float]] = []

    def noted(trainer: Trainer, batch: Any) -> dict[str, Tensor]:
        losses = step.train_step(trainer, batch)
        taken.append({name: float(value) for name, value in losses.items()})
        return losses

    monkeypatch.setattr(loop, "train_step", noted)
    monkeypatch.setattr(trainer_module, "find_judges", lambda *_: Judges(None, Recogniser(), {}))  # type: ignore[arg-type]
    monkeypatch.setattr(loop, "LOG_EVERY_STEPS", 5)
    run(build(TrainConfig, SMALL), small_shards, tmp_path / "run", Machine("cpu", 1))
    logged = [row for row in rows(tmp_path / "run") if "l1" in row]
    assert [row["step"] for row in logged] == [1, 5, 10, 12]
    for row, (begin, end) in zip(logged, [(0, 1), (1, 5), (5, 10), (10, 12)], strict=True):
        for name in ("l1", "identity", "adversarial", "discriminator"):
            there = [losses[name] for losses in taken[begin:end] if name in losses]
            if there:
                assert row[name] == pytest.approx(sum(there) / len(there), rel=1e-5)
            else:
                assert name not in row
    assert [("identity" in row) for row in logged] == [True, True, True, False]
    assert all(0 < row["identity"] < 2 for row in logged[:3]), "a cosine away from 1, whatever it weighs"
    assert all(0 < row["l1"] < 2 for row in logged)
    assert [row["lr_g"] for row in logged[1:]] == [pytest.approx(2e-4)] * 3
    assert all("lr_d" in row for row in logged)


def test_the_window_goes_through_a_checkpoint(small_shards: Path, tmp_path: Path) -> None:
    """Else the first row after an interruption would be the mean of fewer steps."""
    config = build(TrainConfig, SMALL | {"samples": 16})
    run(config, small_shards, tmp_path / "whole", Machine("cpu", 1))
    while run(config, small_shards, tmp_path / "pieces", Machine("cpu", 1, max_minutes=0)) is None:
        pass
    first, second = (
        [{k: v for k, v in row.items() if k != "data_wait"} for row in rows(tmp_path / name)]
        for name in ("whole", "pieces")
    )
    assert first == second
