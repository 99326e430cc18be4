"""Mask2Face: a blind residual U-Net with large kernels, trained on structure and squared error alone.

The network of strv-ml-mask2face, rebuilt from a description of its layers; `docs/rivals/mask2face.md` says what
is known and what was chosen. It sees neither hole nor identity image and re-synthesises the whole picture.
"""

import math

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from unveilify.models.contract import Batch, Output, Recipe, Sized
from unveilify.models.layers.layers import scaled
from unveilify.models.sides import PowerOfTwo, levels

USES_HOLE = False
TRAINS = True
# Theirs is the mean squared error of pictures in [0, 1], a quarter of the one in [-1, 1] used here.
RECIPE = Recipe(ssim=1.0, mse=0.25, lr_g=1e-4, betas=(0.9, 0.999), best_by=("l1",))

SMALL = {"width": 0.25}
"""What a CPU trains in minutes."""

CHANNELS = (64, 128, 128, 256, 256, 512)
KERNELS = (7, 7, 7, 3, 3, 3)
"""Of the levels at half the picture's side, a quarter, …; a larger picture repeats the last."""

STEM, STEM_KERNEL = 64, 7


class Config(Sized):
    """Shape of the network."""

    size_px: PowerOfTwo = Field(256, description="side of the square picture in pixels: a power of two, at least 32")
    width: float = Field(1.0, gt=0, le=16, description="channel multiplier")

    @property
    def uses_identity(self) -> bool:
        """Never."""
        return False


class Network(nn.Module):
    """Down to 4×4 and up again, with every skip used twice."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        depth = len(levels(config.size_px)) - 1
        channels = [scaled(_at(CHANNELS, i), config.width) for i in range(depth)]
        kernels = [_at(KERNELS, i) for i in range(depth)]
        stem = scaled(STEM, config.width)
        inputs = [stem, *channels[:-1]]
        # An up block leads to the next finer level, and has that level's channels and kernel.
        finer = [kernels[0], *kernels[:-1]]
        self.stem = _conv(3, stem, STEM_KERNEL)
        self.downs = nn.ModuleList(Down(a, b, k) for a, b, k in zip(inputs, channels, kernels, strict=True))
        self.middle = _conv(channels[-1], channels[-1], 3)
        self.ups = nn.ModuleList(Up(b, a, k) for a, b, k in zip(inputs, channels, finer, strict=True))
        self.last = _conv(2 * stem, stem, STEM_KERNEL)
        self.colour = _conv(stem, 3, 1)
        self.config = config

    def forward(self, batch: Batch) -> Output:
        """Re-synthesise the whole picture without its mask."""
        stem = F.relu(self.stem(batch.masked))
        x, skips = stem, []
        for down in self.downs:
            x, skip = down(x)
            skips.append(skip)
        x = F.relu(self.middle(x))
        for up, skip in zip(reversed(self.ups), reversed(skips), strict=True):
            x = up(x, skip)
        x = F.relu(self.last(torch.cat([x, stem], 1)))
        return Output(image=2 * torch.sigmoid(self.colour(x).float()) - 1)


class Down(nn.Module):
    """Halve the picture by a strided convolution, then add a pair of convolutions to what came out."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.shrink = _conv(inputs, outputs, kernel, stride=2)
        self.first = _conv(outputs, outputs, kernel)
        self.second = _conv(outputs, outputs, kernel)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, inputs, R, R) -> features and skip, both (B, outputs, R/2, R/2)."""
        skip = self.shrink(x)
        return F.relu(skip + self.second(F.relu(self.first(skip)))), skip


class Up(nn.Module):
    """Merge with the skip, twice, and double the picture by a transposed convolution."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.first = _conv(2 * inputs, inputs, kernel)
        self.second = _conv(inputs, inputs, kernel)
        self.grow = nn.ConvTranspose2d(2 * inputs, outputs, kernel, 2, kernel // 2, output_padding=1)
        _initialise(self.grow)
        self.after = _conv(outputs, outputs, kernel)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Features and skip (B, inputs, R, R) -> (B, outputs, 2R, 2R)."""
        merged = self.first(torch.cat([x, skip], 1))
        x = F.relu(merged + self.second(F.relu(merged)))
        return F.relu(self.after(self.grow(torch.cat([x, skip], 1))))


def _at(values: tuple[int, ...], level: int) -> int:
    return values[min(level, len(values) - 1)]


def _conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    layer = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2)
    _initialise(layer)
    return layer


def _initialise(layer: nn.Conv2d | nn.ConvTranspose2d) -> None:
    """Glorot uniform and zero biases, the defaults of Keras; the gain of what ReLU takes away is added."""
    nn.init.xavier_uniform_(layer.weight, gain=math.sqrt(2))
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)


def discriminator(config: Config) -> None:
    """None: there is no game."""
