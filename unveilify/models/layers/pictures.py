"""Holes and what is painted in them, for rivals that work on pixels."""

import torch
from torch import Tensor

from unveilify.core.records import Image


def hole_mask(hole: Tensor) -> Image:
    """(B, 1, S, S) alpha in [0, 1] -> (B, S, S) uint8, 255 in the hole (alpha > 0) and 0 elsewhere."""
    return (hole[:, 0] > 0).to(torch.uint8).mul(255).cpu().numpy()


def composite(image: Tensor, batch_masked: Tensor, hole: Tensor) -> Tensor:
    """``image`` where the hole is (alpha > 0), the masked picture everywhere else."""
    return torch.where(hole > 0, image, batch_masked)
