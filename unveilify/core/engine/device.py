"""Which device the arithmetic runs on, and with how many threads."""

import os

import torch

from unveilify.core.engine.local import cores
from unveilify.core.errors import UserError


def pick(name: str = "auto") -> torch.device:
    """The device that a word means: cpu, cuda, cuda:1 …; ``auto`` is a GPU where there is one.

    Raises:
        UserError: no such device here.
    """
    name = ("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise UserError("There is no CUDA GPU that PyTorch can use here: take --device cpu.")
    try:
        return torch.device(name)
    except RuntimeError:
        raise UserError(f"There is no device called '{name}': take cpu, cuda or cuda:1.") from None


def set_threads(asked: int | None = None) -> None:
    """So many threads; else what OMP_NUM_THREADS says, else one per core."""
    if asked or "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(asked or cores())


def hurry() -> None:
    """What makes a GPU quick and costs some digits: TF32 in products and convolutions, the quickest algorithm for each shape.

    A training on a GPU promises the same course, not the same bits, so it may; a report does not ask for it.
    """
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True


def memory_format(device: torch.device, *, bf16: bool) -> torch.memory_format:
    """The order in memory in which a training is quickest: channels last, but for bfloat16 on a CPU.

    There torch normalises groups ten times as fast in planes: a step of `plus` takes 0.8 of the time.
    """
    return torch.contiguous_format if bf16 and device.type == "cpu" else torch.channels_last
