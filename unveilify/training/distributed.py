"""Several processes train as one, started by `torchrun`: each takes its share of every batch.

Gradients are averaged in one flat buffer after the backward pass, so that a network, a discriminator and a
penalty with second derivatives all go the same way. With equal shares the mean of the means is the mean: two
processes compute the losses and gradients of one with the same global batch, up to the order of sums. What is no
mean over samples, and noise, goes through `models.parts.together`. Three things are not the same: a share of the
batch (``feature_share``, ``cycle.share``) that does not divide into whole samples in each process; what a log tells
as a ratio over the batch; and validation, which the first process does alone.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class World:
    """Which process this is, of how many."""

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Whether this process writes files and speaks."""
        return self.rank == 0

    def average(self, module: nn.Module) -> None:
        """Replace the gradients of ``module`` by their mean over all processes."""
        if self.size == 1:
            return
        gradients = [p.grad for p in module.parameters() if p.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        dist.all_reduce(flat)
        flat /= self.size
        for gradient, mean in zip(gradients, torch.split(flat, [g.numel() for g in gradients]), strict=True):
            gradient.copy_(mean.view_as(gradient))

    def mean(self, values: dict[str, float], device: torch.device) -> dict[str, float]:
        """The mean of every value over all processes, which must hold the same names."""
        if self.size == 1 or not values:
            return values
        together = torch.tensor(list(values.values()), device=device, dtype=torch.float64)
        dist.all_reduce(together)
        return dict(zip(values, (together / self.size).tolist(), strict=True))

    def any(self, flags: Sequence[bool], device: torch.device) -> list[bool]:
        """Of each flag, whether it is raised in any process."""
        if self.size == 1:
            return list(flags)
        together = torch.tensor([float(flag) for flag in flags], device=device)
        dist.all_reduce(together, dist.ReduceOp.MAX)
        return [bool(flag) for flag in together.tolist()]

    def from_first(self, value: float, device: torch.device) -> float:
        """What the first process holds; the others wait for it."""
        if self.size == 1:
            return value
        shared: Tensor = torch.tensor([value], device=device, dtype=torch.float64)
        dist.broadcast(shared, 0)
        return float(shared)


def join(device: torch.device) -> tuple[World, torch.device]:
    """Join the processes that `torchrun` started, and take this one's own GPU; alone without `torchrun`."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return World(), device
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
    if not dist.is_initialized():
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return World(dist.get_rank(), size), device
