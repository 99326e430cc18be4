"""Several processes train as one, started by `torchrun`: each takes its share of every batch.

Gradients are averaged in a few flat buffers, each on its way as soon as the backward pass has filled it, so that
a network, a discriminator and a penalty with second derivatives all go the same way. (`DistributedDataParallel` knows one
forward pass for each backward one, and neither penalties nor frozen networks.) What processes tell each other beside that
goes from host to host and waits for no device. With equal shares the mean of the means is the mean: two
processes compute the losses and gradients of one with the same global batch, up to the order of sums. What is no
mean over samples, and noise, goes through `models.together`. Four things are not the same: references of
other people (``wrong_reference`` of `plus`), which come from the process's own share of the batch; a share of the
batch (``feature_share``, ``cycle.share``) that does not divide into whole samples in each process; what a log tells
as a ratio over the batch; and validation, which the first process does alone.
"""

import atexit
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn

BUCKET = 2**22
"""Numbers that are sent at once, at least: few enough to begin early, and many enough for the way to be worth it."""


@dataclass(frozen=True, slots=True)
class World:
    """Which process this is, of how many."""

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Whether this process writes files and speaks."""
        return self.rank == 0

    @contextmanager
    def averaging(self, module: nn.Module) -> Iterator[None]:
        """A backward pass within makes the gradients of ``module`` their mean over all processes."""
        if self.size == 1:
            yield
            return
        waiting = [_Bucket(weights) for weights in _buckets(module)]
        sent = 0

        def send(*, all_of_them: bool) -> None:
            nonlocal sent
            while sent < len(waiting) and (all_of_them or not waiting[sent].missing):
                waiting[sent].send()
                sent += 1

        def filled(bucket: _Bucket) -> None:
            bucket.missing -= 1
            send(all_of_them=False)

        hooks = [
            weight.register_post_accumulate_grad_hook(lambda _, bucket=bucket: filled(bucket))  # type: ignore[no-untyped-call]
            for bucket in waiting
            for weight in bucket.weights
        ]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()
        send(all_of_them=True)
        for bucket in waiting:
            bucket.receive(self.size)

    def largest(self, value: Tensor) -> Tensor:
        """The largest of a scalar on the device over all processes; nothing waits for it."""
        if self.size > 1:
            dist.all_reduce(value, dist.ReduceOp.MAX)
        return value

    def mean(self, values: dict[str, float]) -> dict[str, float]:
        """The mean of every value over all processes; what one does not name is 0 there."""
        if self.size == 1:
            return values
        found: list[dict[str, float]] = [{}] * self.size
        dist.all_gather_object(found, values)
        names = dict.fromkeys(name for part in found for name in part)
        return {name: sum(part.get(name, 0.0) for part in found) / self.size for name in names}

    def any(self, flags: Sequence[bool]) -> list[bool]:
        """Of each flag, whether it is raised in any process."""
        if self.size == 1:
            return list(flags)
        together = torch.tensor([float(flag) for flag in flags])
        dist.all_reduce(together, dist.ReduceOp.MAX)
        return [bool(flag) for flag in together.tolist()]

    def from_first(self, value: float) -> float:
        """What the first process holds; the others wait for it."""
        if self.size == 1:
            return value
        shared: Tensor = torch.tensor([value], dtype=torch.float64)
        dist.broadcast(shared, 0)
        return float(shared)


class _Bucket:
    """Some weights whose gradients go together; ``missing`` is how many of those are not there yet."""

    def __init__(self, weights: list[nn.Parameter]) -> None:
        self.weights, self.missing = weights, len(weights)

    def send(self) -> None:
        """Begin to add up the gradients of all processes, and in how many of them a weight has one."""
        # What one process did not use in this step (it had no reference), another may have.
        there = [float(weight.grad is not None) for weight in self.weights]
        parts = [(torch.zeros_like(w) if w.grad is None else w.grad).flatten() for w in self.weights]
        self.flat = torch.cat([*parts, parts[0].new_tensor(there)])
        self.work = dist.all_reduce(self.flat, async_op=True)

    def receive(self, size: int) -> None:
        """The mean in place of each gradient; none where no process has one."""
        self.work.wait()
        *means, used = torch.split(self.flat / size, [*(w.numel() for w in self.weights), len(self.weights)])
        for i, (weight, mean) in enumerate(zip(self.weights, means, strict=True)):
            if weight.grad is not None:
                weight.grad.copy_(mean.view_as(weight))
            elif bool(used[i] > 0):
                weight.grad = torch.zeros_like(weight).copy_(mean.view_as(weight))


def _buckets(module: nn.Module) -> list[list[nn.Parameter]]:
    """The weights that learn, the last first, since their gradients come first."""
    found: list[list[nn.Parameter]] = []
    for weight in reversed([w for w in module.parameters() if w.requires_grad]):
        if not found or sum(w.numel() for w in found[-1]) >= BUCKET:
            found.append([])
        found[-1].append(weight)
    return found


def join(device: torch.device) -> tuple[World, torch.device]:
    """Join the processes that `torchrun` started, and take this one's own GPU; alone without `torchrun`."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return World(), device
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
    if not dist.is_initialized():
        dist.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo")
        # A process that ends while a thread still waits for others is aborted now and then, after all is done.
        atexit.register(dist.destroy_process_group)
    return World(dist.get_rank(), size), device
