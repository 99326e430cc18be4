"""Several processes train as one, started by `torchrun`: each takes its share of every batch.

Gradients are averaged in one flat buffer after the backward pass, so that a network, a discriminator and a
penalty with second derivatives all go the same way. With equal shares the mean of the means is the mean: two
processes compute the losses and gradients of one with the same global batch, up to the order of sums. What is no
mean over samples, and noise, goes through `models.together`. Four things are not the same: references of
other people (``wrong_reference`` of `plus`), which come from the process's own share of the batch; a share of the
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

    def average_gradients(self, module: nn.Module) -> None:
        """Replace the gradients of ``module`` by their mean over all processes."""
        if self.size == 1:
            return
        # What one process did not use in this step (it had no reference), another may have.
        weights = list(module.parameters())
        used = torch.tensor([p.grad is not None for p in weights], device=weights[0].device, dtype=torch.float32)
        dist.all_reduce(used, dist.ReduceOp.MAX)
        for p, anywhere in zip(weights, used.tolist(), strict=True):
            if anywhere and p.grad is None:
                p.grad = torch.zeros_like(p)
        gradients = [p.grad for p in weights if p.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        dist.all_reduce(flat)
        flat /= self.size
        for gradient, mean in zip(gradients, torch.split(flat, [g.numel() for g in gradients]), strict=True):
            gradient.copy_(mean.view_as(gradient))

    def mean(self, values: dict[str, float]) -> dict[str, float]:
        """The mean of every value over all processes; what one does not name is 0 there."""
        if self.size == 1:
            return values
        found: list[dict[str, float]] = [{}] * self.size
        dist.all_gather_object(found, values)
        names = dict.fromkeys(name for part in found for name in part)
        return {name: sum(part.get(name, 0.0) for part in found) / self.size for name in names}

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
