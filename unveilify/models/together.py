"""What makes several processes with a share of the batch each compute what one would with the whole of it.

Gradients are averaged over the processes (`training.distributed`), so a loss that is a mean over samples needs
nothing. A ratio of sums over the batch is another number in every process, and noise from equal seeds is equal in
all of them. What is here is for such cases; alone, a process does nothing but the plain arithmetic.
"""

from collections.abc import Callable

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.nn.functional import all_reduce


def place() -> tuple[int, int]:
    """Which process this is, of how many."""
    if not dist.is_available() or not dist.is_initialized():
        return 0, 1
    return dist.get_rank(), dist.get_world_size()


def rows(draw: Callable[[int], Tensor], count: int) -> Tensor:
    """This process's ``count`` rows of what ``draw`` gives for the whole batch, one row per sample.

    All processes draw all rows from the same seed, so that a sample's noise depends on its place alone.
    """
    rank, size = place()
    return draw(count * size)[rank * count :][:count]


def spread(count: int, wanted: int) -> list[int]:
    """``wanted`` of the samples 0 … count-1, evenly: the same ones in all, however the batch is shared (if it divides)."""
    return [i * count // wanted for i in range(wanted)]


def mean_of_all(x: Tensor) -> Tensor:
    """The mean of ``x`` over all processes, with gradients to each one's own; every process must call it."""
    size = place()[1]
    if size == 1:
        return x
    total: Tensor = all_reduce(x)  # type: ignore[no-untyped-call]
    return total / size


def mean_where(error: Tensor, where: Tensor) -> Tensor:
    """The mean of (B, C, H, W) where (B, 1, H, W) is above 0, of each sample by itself, then over the samples.

    A sample without such a place counts as 0. A scalar.
    """
    there = (where > 0).to(error.dtype)
    area = (error.shape[1] * there.sum((1, 2, 3))).clamp(min=1)
    return ((error * there).sum((1, 2, 3)) / area).mean()


class BatchNorm(nn.BatchNorm2d):
    """Batch normalisation over the batch of all processes; `SyncBatchNorm` is for GPUs alone."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        if not self.training or place()[1] == 1:
            return super().forward(x)
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.momentum is not None
        wide = x.float()
        mean = mean_of_all(wide.mean((0, 2, 3)))
        centred = wide - mean[:, None, None]
        variance = mean_of_all(centred.square().mean((0, 2, 3)))
        count = x.numel() / x.shape[1] * place()[1]
        with torch.no_grad():
            self.running_mean.lerp_(mean.detach(), self.momentum)
            self.running_var.lerp_(variance.detach() * count / (count - 1), self.momentum)
            if self.num_batches_tracked is not None:
                self.num_batches_tracked.add_(1)
        scale = self.weight * torch.rsqrt(variance + self.eps)
        return (centred * scale[:, None, None] + self.bias[:, None, None]).to(x.dtype)
