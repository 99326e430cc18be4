"""A training that goes astray says so, stops, and leaves nothing behind that passes for a result."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import unveilify
from unveilify.core.errors import UserError
from unveilify.models import store
from unveilify.models.contract import Batch
from unveilify.models.layers.warp import sampled, warp
from unveilify.training import step
from unveilify.training.config import TrainConfig
from unveilify.training.loop import Machine, run
from unveilify.training.losses import Loss
from unveilify.training.step import DIVERGED_AFTER, settle, train_step
from unveilify.training.trainer import Trainer, build_trainer

SMALL: dict[str, Any] = {
    "network": {"width": 0.1, "depth": 0.2},
    "recipe": {"lpips": 0, "identity": 0},
    "size_px": 32,
    "samples": 64,
    "batch": 4,
    "validate_every": 8,
    "validate_on": 4,
    "bf16": False,
}


def no_number(loss: Tensor) -> Tensor:
    return loss * float("nan")


def no_gradient(loss: Tensor) -> Tensor:
    """The loss itself, whose gradient is no number: that of a root at 0."""
    return loss + (loss * 0).sqrt()


def spoiled(
    when: Callable[[int], bool], name: str = "l1", how: Callable[[Tensor], Tensor] = no_number
) -> Callable[..., dict[str, Loss]]:
    """The generator's losses, with one of them spoiled in some of its calls."""
    plain, calls = step.generator_losses, 0

    def losses(*given: Any) -> dict[str, Loss]:
        nonlocal calls
        calls += 1
        found = plain(*given)
        bad = Loss(how(found[name].value), found[name].weight)
        return found | {name: bad} if when(calls) else found

    return losses


def weights(trainer: Trainer) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in trainer.network.state_dict().items()}


@pytest.mark.parametrize("how", [no_number, no_gradient])
def test_one_bad_step_teaches_nothing_and_is_counted(
    batch: Batch, monkeypatch: pytest.MonkeyPatch, how: Callable[[Tensor], Tensor]
) -> None:
    trainer = build_trainer(TrainConfig(**SMALL), torch.device("cpu"))
    monkeypatch.setattr(step, "generator_losses", spoiled(lambda call: call == 1, how=how))
    before = weights(trainer)
    train_step(trainer, batch)
    settle(trainer)
    assert (trainer.state.position.skipped, trainer.state.position.astray) == (1, 1)
    assert all(torch.equal(value, before[name]) for name, value in weights(trainer).items())
    train_step(trainer, batch)
    settle(trainer)
    assert (trainer.state.position.skipped, trainer.state.position.astray) == (1, 0)
    assert any(not torch.equal(value, before[name]) for name, value in weights(trainer).items())


@pytest.mark.parametrize("fused", [True, False])
def test_a_loss_that_is_no_number_does_not_move_the_optimizer(
    batch: Batch, monkeypatch: pytest.MonkeyPatch, fused: bool
) -> None:
    """Neither its averages nor its count of steps: the next steps are those of a training that never saw it."""
    config = TrainConfig(**SMALL | {"recipe": {"lpips": 0, "identity": 0, "adversarial": 0}})
    one, other = (build_trainer(config, torch.device("cpu")) for _ in range(2))
    for trainer in (one, other):
        trainer.state.optimizers["adam_g"] = torch.optim.AdamW(trainer.network.parameters(), 2e-4, fused=fused)
        train_step(trainer, batch)
    with monkeypatch.context() as patch:
        patch.setattr(step, "generator_losses", spoiled(lambda _: True))
        train_step(one, batch)
    one.state.position.step, one.state.position.seen = other.state.position.step, other.state.position.seen
    for trainer in (one, other):
        train_step(trainer, batch)
    assert all(torch.equal(value, weights(other)[name]) for name, value in weights(one).items())
    first, second = (trainer.state.optimizers["adam_g"].state_dict()["state"] for trainer in (one, other))
    assert all(torch.equal(value, second[i][name]) for i in first for name, value in first[i].items())


@pytest.mark.parametrize(("when", "triplets"), [(lambda call: call > 6, 44), (lambda call: call % 4 != 0, 28)])
def test_after_a_few_it_stops_with_a_sentence(
    small_shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: Callable[[int], bool], triplets: int
) -> None:
    """In a row, or most of the steps; the same command again ends in the same way."""
    monkeypatch.setattr(step, "generator_losses", spoiled(when))
    with pytest.raises(UserError, match=rf"diverged at step {triplets // 4}: the loss 'l1'.*--out.*lr_g=0\.00"):
        run(TrainConfig(**SMALL), small_shards, tmp_path / "run", Machine("cpu", 1))
    assert not (tmp_path / "run" / "_stamp.json").exists()


def test_a_training_shorter_than_that_is_not_called_done(
    small_shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step, "generator_losses", spoiled(lambda call: call > 1))
    config = TrainConfig(**SMALL | {"samples": 8})
    with pytest.raises(UserError, match="1 of its 2 steps taught nothing"):
        run(config, small_shards, tmp_path / "run", Machine("cpu", 1))
    assert not (tmp_path / "run" / "_stamp.json").exists()


@pytest.mark.parametrize("changes", [{"model": "plus", "network": {"width": 0.25}}, {}], ids=["plus", "unveilify"])
def test_a_rate_that_is_far_too_high(small_shards: Path, tmp_path: Path, changes: dict[str, Any]) -> None:
    """On the command line: exit code 2, no segmentation fault, no network that is called the best."""
    config = SMALL | changes
    sets = [f"train.{name}={value}" for name, value in config.items() if not isinstance(value, dict)]
    sets += [f"train.network.{name}={value}" for name, value in config["network"].items()]
    sets += ["train.recipe.lpips=0", "train.recipe.identity=0", "train.recipe.lr_g=1e20", "train.recipe.lr_d=1e20"]
    sets += ["train.warmup_share=0"]
    words = [sys.executable, "-m", "unveilify", "train", "--shards", str(small_shards), "--out", str(tmp_path / "run")]
    words += [word for item in sets for word in ("--set", item)] + ["--threads", "1", "--device", "cpu"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=280)
    assert done.returncode == 2, done.stderr
    assert "unveilify: The training diverged at step" in done.stderr.splitlines()[-1]
    assert not (tmp_path / "run" / "_stamp.json").exists()
    for path in (tmp_path / "run").glob("best*"):
        store.load(path)


def test_weights_that_are_no_numbers_are_neither_kept_nor_the_best(
    small_shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ruin(trainer: Trainer, batch: int) -> None:
        if trainer.state.position.step == 2:
            next(trainer.ema.parameters()).data.fill_(float("nan"))

    monkeypatch.setattr(step, "update_ema", ruin)
    monkeypatch.setattr("unveilify.training.checkpointer.cost", lambda *_: 0.0)
    with pytest.raises(UserError, match=r"diverged at step 2: average\..* is not finite"):
        run(TrainConfig(**SMALL), small_shards, tmp_path / "run", Machine("cpu", 1))
    assert list((tmp_path / "run").glob("*.safetensors")) == []


def test_a_network_file_holds_no_such_weights(tmp_path: Path) -> None:
    from unveilify.models.zoo.mean import Config

    bad = {"face": torch.full((3, 32, 32), float("inf"))}
    with pytest.raises(UserError, match="face of this 'mean' network are not finite"):
        store.save(tmp_path / "a.safetensors", "mean", Config(size_px=32), bad)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_place_that_is_no_number_is_no_crash_and_is_seen(value: float) -> None:
    pictures = torch.rand(2, 3, 16, 16)
    flow = torch.zeros(2, 2, 16, 16)
    flow[1, 0, 3, 4] = value
    flow.requires_grad_(True)
    found = warp(pictures, flow)
    assert bool(found[1, :, 3, 4].isnan().all())
    assert int(found.isnan().sum()) == 3
    found.nansum().backward()  # type: ignore[no-untyped-call]
    assert flow.grad is not None
    assert bool(flow.grad.isfinite().all())


def test_far_away_is_the_border() -> None:
    pictures = torch.rand(1, 3, 8, 8)
    assert torch.equal(sampled(pictures, torch.full((1, 1, 1, 2), 1e30))[0, :, 0, 0], pictures[0, :, -1, -1])


def test_pictures_are_sampled_in_one_guarded_place() -> None:
    """`perception.align` samples at constants."""
    root = Path(unveilify.__file__).parent
    found = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        if re.search(r"F\.grid_sample\(|functional\.grid_sample\(", path.read_text())
    }
    assert found == {"models/layers/warp.py", "perception/align.py"}


def test_skipped_steps_are_told_and_do_not_spoil_the_log(
    small_shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step, "generator_losses", spoiled(lambda call: call == 3))
    stamp = run(TrainConfig(**SMALL), small_shards, tmp_path / "run", Machine("cpu", 1))
    assert stamp is not None
    assert stamp.counts["skipped_steps"] == 1
    rows = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    last = [row for row in rows if "l1" in row][-1]
    assert last["skipped"] == 1
    assert last["l1"] > 0
    assert DIVERGED_AFTER > 1
