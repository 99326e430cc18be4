"""A step leaves the device to itself: the host reads nothing there, and what was measured is read at once, later."""

import traceback
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import unveilify
from unveilify.models.contract import Batch
from unveilify.training import step as step_module
from unveilify.training import trainer as trainer_module
from unveilify.training.config import TrainConfig
from unveilify.training.losses import Judges
from unveilify.training.step import settle, train_step
from unveilify.training.trainer import build_trainer

HOME = str(Path(unveilify.__file__).parent)
OF_THE_HOST = {"losses.py roughened", "plus.py _hole"}
"""Where a random number is drawn on the host, which needs no device."""
ON_THE_HOST = "complete.py "
"""What patches beside the face are like is looked for on the host altogether, as meshes are drawn there."""
ONCE_EACH = {"candidates.py from_photos"}
"""Whether anybody in the batch has such a reference: what need not be placed costs more than the wait."""


class Waits(TorchDispatchMode):
    """Notes where a number is read, or a shape depends on one."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        by_number = name.startswith("index") and any(x is not None and x.dtype == torch.bool for x in args[1])
        if name in ("_local_scalar_dense", "nonzero", "masked_select", "equal", "_unique2") or by_number:
            frame = [f for f in traceback.extract_stack() if f.filename.startswith(HOME)][-1]
            where = f"{Path(frame.filename).name} {frame.name}"
            if not where.startswith(ON_THE_HOST):
                self.found.add(where)
        return func(*args, **(kwargs or {}))


class Recogniser:
    def embed(self, images: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.normalize(images.mean((2, 3)))


@pytest.mark.parametrize("model", ["unveilify", "plus"])
def test_a_step_waits_for_nothing(batch: Batch, monkeypatch: pytest.MonkeyPatch, model: str) -> None:
    monkeypatch.setattr(trainer_module, "find_judges", lambda *_: Judges(None, Recogniser(), {}))  # type: ignore[arg-type]
    shape = {"size_px": 32, "network": {"width": 0.25}, "bf16": False, "identity_every": 1, "samples": 100, "batch": 2}
    recipe = {"lpips": 0, "identity": 1, "adversarial": 1, "r1": 1}
    trainer = build_trainer(TrainConfig(model=model, recipe=recipe, **shape), torch.device("cpu"))
    trainer.state.position.seen, trainer.state.position.step = 96, 15
    train_step(trainer, batch)
    with Waits() as step:
        train_step(trainer, batch)
    assert step.found - OF_THE_HOST - ONCE_EACH == set()
    settle(trainer)
    assert trainer.state.running.counts["discriminator"] == 2


def test_a_step_that_reads_a_number_is_noticed(batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = {"lpips": 0, "identity": 0, "adversarial": 0}
    config = TrainConfig(recipe=recipe, size_px=32, network={"width": 0.1}, bf16=False, samples=100, batch=2)
    trainer = build_trainer(config, torch.device("cpu"))
    monkeypatch.setattr(step_module, "update_ema", lambda trainer, _: float(trainer.measured.checks[0].bad))
    with Waits() as step:
        train_step(trainer, batch)
    assert step.found == {"step.py train_step"}
