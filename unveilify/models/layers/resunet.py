"""A plain U-Net of residual blocks, small enough for a phone: group norm, SiLU, added skips."""

from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from unveilify.models.layers.layers import norm


class ResBlock(nn.Module):
    """Twice norm, SiLU, 3×3 convolution; added to the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList([norm(channels), norm(channels)])
        # A block begins as little more than its shortcut, so that a deep stack trains from the first step.
        self.convs = nn.ModuleList([_conv(channels, channels), _conv(channels, channels, gain=0.2)])

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, R, R) -> (B, C, R, R)."""
        y = x
        for normalise, layer in zip(self.norms, self.convs, strict=True):
            y = layer(F.silu(normalise(y)))
        return x + y


class ResUNet(nn.Module):
    """Halves the picture ``len(channels) - 1`` times and comes back, adding skips; one block per level and way."""

    def __init__(self, inputs: int, channels: list[int]) -> None:
        super().__init__()
        self.stem = _conv(inputs, channels[0])
        self.down_blocks = nn.ModuleList(ResBlock(c) for c in channels)
        self.downs = nn.ModuleList(_conv(a, b, stride=2) for a, b in pairwise(channels))
        self.ups = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairwise(channels))
        self.up_blocks = nn.ModuleList(ResBlock(c) for c in channels)

    def forward(self, x: Tensor) -> list[Tensor]:
        """(B, inputs, R, R) -> features of the way back, finest first: [(B, C0, R, R), (B, C1, R/2, R/2), …]."""
        skips: list[Tensor] = []
        x = self.stem(x)
        for i, block in enumerate(self.down_blocks):
            x = block(x if i == 0 else self.downs[i - 1](x))
            skips.append(x)
        features = [self.up_blocks[-1](skips[-1])]
        for i in range(len(self.ups) - 1, -1, -1):
            finer = F.interpolate(self.ups[i](features[0]), scale_factor=2.0, mode="nearest")
            features.insert(0, self.up_blocks[i](finer + skips[i]))
        return features


def head(inputs: int, outputs: int, *, std: float = 0.02) -> nn.Sequential:
    """Norm, SiLU and a 3×3 convolution that starts near zero: the last step to a field of numbers."""
    return nn.Sequential(norm(inputs), nn.SiLU(), _conv(inputs, outputs, gain=std))


def _conv(inputs: int, outputs: int, stride: int = 1, *, gain: float = 1.0) -> nn.Conv2d:
    layer = nn.Conv2d(inputs, outputs, 3, stride, 1)
    nn.init.normal_(layer.weight, std=gain * (9 * inputs) ** -0.5)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer
