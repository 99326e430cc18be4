"""Whatever takes masks off, measured on our test split: `python examples/measure_your_own.py SHARDS`."""

import sys

import numpy as np
import torch
from torch.utils.data import DataLoader

import unveilify


def blur(masked: torch.Tensor, hole: torch.Tensor) -> torch.Tensor:
    """A system of your own: pictures (B, 3, S, S) in [-1, 1]; here the hole gets the colours around it."""
    around = torch.nn.functional.avg_pool2d(masked, 15, 1, 7)
    return torch.where(hole > 0, around, masked)


errors = []
for batch in DataLoader(unveilify.open_shards(sys.argv[1], "test"), batch_size=8):
    wrong = (blur(batch["masked"], batch["hole"]) - batch["unmasked"]) ** 2 * (batch["hole"] > 0)
    errors += (wrong.sum((1, 2, 3)) / (3 * (batch["hole"] > 0).sum((1, 2, 3)))).tolist()
print(f"PSNR in the hole: {np.mean(10 * np.log10(4 / np.array(errors))):.2f} dB over {len(errors)} triplets")
