"""Tensors in [-1, 1] to pictures in 0…255 and back, for rivals that work on pixels."""

import numpy as np
import torch
from torch import Tensor

from unveilify.core.records import Image


def to_bytes(images: Tensor) -> Image:
    """(B, C, S, S) in [-1, 1] -> (B, S, S, C) uint8; clamped and rounded."""
    scaled = (images.detach().float().clamp(-1, 1) + 1) * 127.5
    return np.ascontiguousarray(scaled.round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy())


def to_tensor(images: Image, like: Tensor) -> Tensor:
    """(B, S, S, C) uint8 -> (B, C, S, S) in [-1, 1], on the device and in the type of ``like``."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).to(like) / 127.5 - 1


def hole_mask(hole: Tensor) -> Image:
    """(B, 1, S, S) alpha in [0, 1] -> (B, S, S) uint8, 255 in the hole (alpha > 0) and 0 elsewhere."""
    return (hole[:, 0] > 0).to(torch.uint8).mul(255).cpu().numpy()


def composite(image: Tensor, batch_masked: Tensor, hole: Tensor) -> Tensor:
    """``image`` where the hole is (alpha > 0), the masked picture everywhere else."""
    return torch.where(hole > 0, image, batch_masked)
