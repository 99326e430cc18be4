"""The U-Net encoder of the masked image (the paper, section 3.3; Ronneberger et al. 2015)."""

import itertools

import torch.nn.functional as F
from torch import Tensor, nn

from unveilify.models.layers.layers import conv, norm, scaled
from unveilify.models.sides import levels

CHANNELS = (64, 128, 256, 384)
"""Channels at full, half, quarter and all smaller resolutions, at width 1."""


def plan(size_px: int, width: float) -> dict[int, int]:
    """Channels at every resolution of a network for ``size_px``: ``{256: 64, 128: 128, …, 4: 384}``."""
    return {px: scaled(CHANNELS[min(i, len(CHANNELS) - 1)], width) for i, px in enumerate(levels(size_px))}


class Down(nn.Module):
    """Halve the picture: two convolutions beside an average-pooled 1×1 shortcut, then norm and LeakyReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = conv(inputs, outputs, stride=2)
        self.second = conv(outputs, outputs)
        self.shortcut = conv(inputs, outputs, kernel=1, bias=False)
        self.norm = norm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, R, R) -> (B, outputs, R/2, R/2)."""
        deep = self.second(F.leaky_relu(self.first(x), 0.2))
        return F.leaky_relu(self.norm(deep + self.shortcut(F.avg_pool2d(x, 2))), 0.2)


class UNetEncoder(nn.Module):
    """Features of the masked image at every resolution from S (included) down to 4.

    The authors' code starts at S/2 and narrows to 32 channels at 4×4; the paper draws neither.
    """

    def __init__(self, size_px: int, width: float) -> None:
        super().__init__()
        channels = plan(size_px, width)
        sizes = list(channels)
        # The raw picture enters a convolution first: a norm here would take away its tone and colour.
        self.stem = nn.Sequential(
            conv(3, channels[size_px]), nn.LeakyReLU(0.2), conv(channels[size_px], channels[size_px]), nn.LeakyReLU(0.2)
        )
        self.downs = nn.ModuleList(Down(channels[a], channels[b]) for a, b in itertools.pairwise(sizes))

    def forward(self, masked: Tensor) -> list[Tensor]:
        """(B, 3, S, S) -> skips [(B, C_S, S, S), …, (B, C_4, 4, 4)]; the last is where the generator starts."""
        skips = [self.stem(masked)]
        for down in self.downs:
            skips.append(down(skips[-1]))
        return skips
