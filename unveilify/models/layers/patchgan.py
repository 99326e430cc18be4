"""The PatchGAN discriminator on (image, identity image) (the paper, section 3.4; Isola et al. 2017)."""

import itertools
import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unveilify.models.contract import Batch
from unveilify.models.layers.layers import channel_norm, scaled

Condition = Callable[[Batch], Tensor]
"""What the discriminator sees beside the image: (B, C, S, S)."""


def first_identity(batch: Batch) -> Tensor:
    """The first identity image (B, 3, S, S); zeros where there is none."""
    return batch.identity[:, 0] * (batch.real > 0).to(batch.identity.dtype)[:, None, None, None]


def nothing(batch: Batch) -> Tensor:
    """Zeros in place of an identity image."""
    return torch.zeros_like(batch.identity[:, 0])


class PatchGAN(nn.Module):
    """Logits of overlapping patches: 4×4 stride-2 convolutions, instance norm (not on the first), LeakyReLU.

    At 256 px four of them, as in the paper's code: 16×16 logits, each of a 94 px patch. Smaller pictures
    take fewer, so that a patch stays about as large a part of the face.
    """

    def __init__(self, size_px: int, width: float, condition: Condition, condition_channels: int = 3) -> None:
        super().__init__()
        depth = min(4, max(2, int(math.log2(size_px)) - 3))
        channels = [scaled(64 * 2**i, width) for i in range(depth)]
        self.first = nn.Conv2d(3 + condition_channels, channels[0], 4, 2, 1)
        self.convs = nn.ModuleList(nn.Conv2d(a, b, 4, 2, 1, bias=False) for a, b in itertools.pairwise(channels))
        self.norms = nn.ModuleList(channel_norm(c, affine=True) for c in channels[1:])
        self.last = nn.Conv2d(channels[-1], 1, 4)
        self.condition = condition
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, std=0.02)

    def forward(self, image: Tensor, batch: Batch) -> Tensor:
        """(B, 3, S, S) in [-1, 1] -> (B, 1, P, P) logits; larger is more real."""
        x = F.leaky_relu(self.first(torch.cat([image, self.condition(batch).to(image.dtype)], 1)), 0.2)
        for layer, normalise in zip(self.convs, self.norms, strict=True):
            x = F.leaky_relu(normalise(layer(x)), 0.2)
        # An even kernel keeps the size with one more row and column of zeros on the first side.
        logits: Tensor = self.last(F.pad(x, (2, 1, 2, 1)))
        return logits
