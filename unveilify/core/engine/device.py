"""Which device the arithmetic runs on, and with how many threads.

torch, which takes seconds to load, is imported by what needs it: whether a word can be a device's is known before.
"""

import os
import re
from typing import TYPE_CHECKING

from unveilify.core.engine.local import cores
from unveilify.core.errors import UserError

if TYPE_CHECKING:
    import torch


def check(name: str) -> str:
    """The name itself, if it can be that of a device; whether there is one like that is for `pick` to say.

    Raises:
        UserError: it cannot.
    """
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d{1,3})?", name):
        raise UserError(f"There is no device called '{name}': take cpu, cuda or cuda:1.")
    return name


def pick(name: str = "auto") -> "torch.device":
    """The device that a word means: cpu, cuda, cuda:1 …; ``auto`` is a GPU where there is one.

    Raises:
        UserError: no such device here.
    """
    import torch

    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    device = torch.device(("cuda" if gpus else "cpu") if check(name) == "auto" else name)
    if device.type == "cuda" and (device.index or 0) >= gpus:
        there = f"there are {gpus} of them" if gpus else "there is none"
        raise UserError(f"There is no CUDA GPU '{name}' that PyTorch can use here ({there}): take --device cpu.")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise UserError("There is no Apple GPU that PyTorch can use here: take --device cpu.")
    return device


def set_threads(asked: int | None = None) -> None:
    """So many threads; else what OMP_NUM_THREADS says, else one per core."""
    import torch

    if asked or "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(asked or cores())


def hurry() -> None:
    """What makes a GPU quick and costs some digits: TF32 in products and convolutions, the quickest algorithm for each shape.

    A training on a GPU promises the same course, not the same bits, so it may; a report does not ask for it.
    """
    import torch

    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True


def memory_format(device: "torch.device", *, bf16: bool) -> "torch.memory_format":
    """The order in memory in which a training is quickest: channels last, but for bfloat16 on a CPU.

    There torch normalises groups ten times as fast in planes: a step of `plus` takes 0.8 of the time.
    """
    import torch

    return torch.contiguous_format if bf16 and device.type == "cpu" else torch.channels_last
