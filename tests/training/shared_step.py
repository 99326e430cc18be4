"""The gradients of one step of every network that needs no pretrained one, in however many processes this is started as.

python -m torch.distributed.run --standalone --nproc-per-node=2 tests/training/shared_step.py OUT
"""

import sys
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from unveilify.models.contract import Batch
from unveilify.models.layers import features
from unveilify.training import cycle, distributed, step
from unveilify.training.config import CycleConfig, TrainConfig
from unveilify.training.distributed import World, join
from unveilify.training.losses import Judges, Loss, total
from unveilify.training.step import train_step
from unveilify.training.trainer import Trainer, build_trainer
from unveilify.training.unpaired import Unpaired

CPU = torch.device("cpu")
EVERYTHING = {"l1": 1, "l1_hole": 1, "ssim": 1, "identity": 1, "identity_rough": True, "adversarial": 1, "r1": 1}
CASES: dict[str, dict[str, Any]] = {
    "unveilify": {"network": {"width": 0.1, "depth": 0.2}},
    "plus": {
        "network": {"width": 0.25, "reference_dropout": 0.5, "wrong_reference": 0.0},
        "augment_discriminator": "colour,cutout",
    },
    "dmfn": {"network": {"width": 0.125}, "recipe": {"gan": "relativistic"}},
    "din": {"network": {"width": 0.125, "feature_share": 0.5}, "recipe": {"alpha": 1}},
    "refface": {"network": {"width": 0.125, "feature_share": 0.5}},
    "mask2face": {"network": {"width": 0.125}, "recipe": {"adversarial": 0}},
    "unveilify with learned masks": {"model": "unveilify", "network": {"width": 0.1, "depth": 0.2}},
}


RATIOS = ("share_placed", "share_nobody", "map_iou")
"""What is told in a log as a ratio over the batch."""


class Recogniser:
    """Knows people by the colours of a coarse picture."""

    def embed(self, images: Tensor) -> Tensor:
        return F.normalize(F.adaptive_avg_pool2d(images, 4).flatten(1))


class Features(nn.Module):
    """Stands in for a pretrained VGG-19."""

    def forward(self, image: Tensor) -> list[Tensor]:
        return [F.avg_pool2d(image, 2**i) + 1.5 for i in range(5)]


def global_batch(count: int = 4) -> Batch:
    """Samples whose holes and numbers of identity images differ."""
    torch.manual_seed(7)
    hole = torch.zeros(count, 1, 32, 32)
    for i in range(count):
        hole[i, :, 14 : 18 + 4 * i, 6 : 10 + 5 * i] = 1
    truth = F.interpolate(torch.rand(count, 3, 8, 8), size=32, mode="bilinear") * 2 - 1
    real = torch.arange(count) % 3
    return Batch(truth * (1 - hole), torch.rand(count, 2, 3, 32, 32) * 2 - 1, real, hole, truth)


def share_of(batch: Batch, world: World) -> Batch:
    count = len(batch) // world.size
    mine = slice(world.rank * count, (world.rank + 1) * count)
    parts = {field.name: getattr(batch, field.name) for field in fields(batch)}
    return replace(batch, **{name: part[mine] for name, part in parts.items() if part is not None})


def gradients(world: World) -> dict[str, Tensor]:
    """Every gradient, and every loss as the mean over all processes, by case and name."""
    found: dict[str, Tensor] = {}

    def noted(case: str) -> Any:
        def optimizer_step(trainer: Trainer, name: str, module: nn.Module, losses: Mapping[str, Loss]) -> None:
            trainer.state.optimizers[name].zero_grad()
            with trainer.world.averaging(module):
                total(losses).backward()  # type: ignore[no-untyped-call]
            there = {n: p.grad for n, p in module.named_parameters() if p.grad is not None}
            kind = f"{case}/gradient/{name}/{len(found)}"
            found[kind] = torch.cat([gradient.flatten() for gradient in there.values()]).clone()

        return optimizer_step

    features.vgg19.load = Features  # type: ignore[assignment]
    step.find_judges = lambda *_: Judges(None, Recogniser(), {})  # type: ignore[arg-type,assignment]
    for case, settings in CASES.items():
        recipe = EVERYTHING | settings.get("recipe", {})
        learned = {"cycle": CycleConfig(photos=Path(), begins=0)} if "learned" in case else {}
        shape = {"size_px": 32, "samples": 100, "batch": 4, "bf16": False, "seed": 3, "identity_every": 1}
        config = TrainConfig(**{"model": case, **shape, **settings, "recipe": recipe, **learned})
        trainer = build_trainer(config, CPU, world)
        trainer.state.position.seen, trainer.state.position.step = 96, 16
        step.optimizer_step = cycle.optimizer_step = noted(case)
        batch = share_of(global_batch(), world)
        losses: dict[str, Tensor] = {}
        if learned:
            cycle.add_parts(trainer)
            draw = np.random.default_rng(0)
            crops = [draw.integers(0, 256, (n, 32, 32, 3), dtype=np.uint8) for n in (5, 3)]
            losses |= cycle.learn(trainer, Unpaired(*crops), batch)
        losses |= train_step(trainer, batch)
        for name, value in world.mean({name: float(value) for name, value in losses.items()}).items():
            if name not in RATIOS:
                found[f"{case}/loss/{name}"] = torch.tensor(value)
    return found


if __name__ == "__main__":
    torch.set_num_threads(1)
    distributed.BUCKET = 10_000  # several, even of these small networks
    together, _ = join(CPU)
    mine = gradients(together)
    if together.first:
        save_file(mine, sys.argv[1])
