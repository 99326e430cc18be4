"""The pSp encoder of the identity image (the paper, section 3.2; Richardson et al. 2021, section 3.1).

An IR-SE backbone (Deng et al. 2019; Hu et al. 2018), a feature pyramid over its last three scales, and one
*map2style* head per style. Three things differ from the original. Batch normalisation is group
normalisation, because identity images come one at a time when the network is used. There are only as many
heads as the generator has resolutions (the authors' code trains 14 and reads 6). And the codes are
layer-normalised: "We have mostly solved this problem by normalizing the output to the PSP encoder"
(the paper, section 5.1); a norm over each code, unlike the authors' batch norm, is the same at batch 1.
"""

import math

import torch.nn.functional as F
from torch import Tensor, nn

from unveilify.models.layers.layers import conv, norm, scaled, upsampled
from unveilify.models.sides import levels

STAGES = ((64, 3), (128, 4), (256, 14), (512, 3))
"""Channels and number of units of IR-SE50 at width 1, depth 1."""

PYRAMID = 384
"""Channels of the feature pyramid and of the heads at width 1."""


class Unit(nn.Module):
    """One IR-SE unit: norm, conv, PReLU, strided conv, norm, squeeze-and-excitation; added to a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            norm(inputs),
            conv(inputs, outputs, bias=False),
            nn.PReLU(outputs),
            conv(outputs, outputs, stride=stride, bias=False),
            norm(outputs),
        )
        squeezed = max(4, outputs // 16)
        self.excite = nn.Sequential(
            conv(outputs, squeezed, kernel=1), nn.LeakyReLU(0.2), conv(squeezed, outputs, kernel=1), nn.Sigmoid()
        )
        self.stride = stride
        self.shortcut = conv(inputs, outputs, kernel=1, bias=False) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, R, R) -> (B, outputs, R/stride, R/stride)."""
        deep: Tensor = self.body(x)
        deep = deep * self.excite(deep.mean((2, 3), keepdim=True))
        short: Tensor = self.shortcut(F.avg_pool2d(x, 2) if self.stride == 2 else x)
        return deep + short


class Map2Style(nn.Module):
    """Stride-2 convolutions down to 2×2, mean, linear: a map becomes one style code."""

    def __init__(self, map_px: int, channels: int, style_dim: int) -> None:
        super().__init__()
        halvings = max(1, int(math.log2(map_px)) - 1)
        self.convs = nn.Sequential(
            *(layer for _ in range(halvings) for layer in (conv(channels, channels, stride=2), nn.LeakyReLU(0.2)))
        )
        self.linear = nn.Linear(channels, style_dim)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, R, R) -> (B, style_dim)."""
        code: Tensor = self.linear(self.convs(x).mean((2, 3)))
        return code


class PSPEncoder(nn.Module):
    """Style codes of a face picture, one per resolution of the generator (4 first)."""

    def __init__(self, size_px: int, width: float, depth: float, style_dim: int, *, normalise: bool) -> None:
        super().__init__()
        channels = [scaled(c, width) for c, _ in STAGES]
        self.stem = nn.Sequential(conv(3, channels[0], bias=False), norm(channels[0]), nn.PReLU(channels[0]))
        self.stages = nn.ModuleList()
        inputs = channels[0]
        for outputs, (_, units) in zip(channels, STAGES, strict=True):
            count = max(1, round(units * depth))
            self.stages.append(
                nn.Sequential(*(Unit(outputs if i else inputs, outputs, 1 if i else 2) for i in range(count)))
            )
            inputs = outputs
        pyramid = scaled(PYRAMID, width)
        self.coarse = conv(channels[3], pyramid, kernel=1)
        self.middle = conv(channels[2], pyramid, kernel=1)
        self.fine = conv(channels[1], pyramid, kernel=1)
        # Resolutions 4 and 8 take coarse styles, 16 and 32 middle ones, the others fine ones (pSp, figure 2).
        self.sources = [0 if px <= 8 else 1 if px <= 32 else 2 for px in reversed(levels(size_px))]
        map_px = (size_px // 16, size_px // 8, size_px // 4)
        self.heads = nn.ModuleList(Map2Style(map_px[s], pyramid, style_dim) for s in self.sources)
        self.norm = nn.LayerNorm(style_dim, elementwise_affine=False) if normalise else nn.Identity()
        if 2 not in self.sources:
            # A 32 px picture has no fine styles, so nothing may be left that gets no gradient.
            del self.fine

    def forward(self, picture: Tensor) -> list[Tensor]:
        """(B, 3, S, S) in [-1, 1] -> one (B, style_dim) code per resolution 4, 8, …, S."""
        x = self.stages[0](self.stem(picture))
        fine = self.stages[1](x)
        middle = self.stages[2](fine)
        coarse = self.stages[3](middle)
        maps = [self.coarse(coarse)]
        maps.append(upsampled(maps[0]) + self.middle(middle))
        if 2 in self.sources:
            maps.append(upsampled(maps[1]) + self.fine(fine))
        return [self.norm(head(maps[source])) for head, source in zip(self.heads, self.sources, strict=True)]
