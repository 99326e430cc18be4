"""Layers of reference-guided inpainting: gated convolutions, Half-AdaIN, styles of single parts of the face.

Yu et al. 2019 ("Free-Form Image Inpainting with Gated Convolution", eq. 3); Luo, Yang, Zhang 2023
("Reference-Guided Large-Scale Face Inpainting with Identity and Texture Control"); Park et al. 2019 (SPADE, eq. 1).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unveilify.models.layers.layers import channel_norm, conv, upsampled


class Gated(nn.Module):
    """Features (normed, LeakyReLU) times a learned gate in 0…1, both from the same 3×3 window."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.features = conv(inputs, outputs, stride=stride, bias=False)
        self.gate = conv(inputs, outputs, stride=stride)
        self.norm = channel_norm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, R, R) -> (B, outputs, R/stride, R/stride)."""
        return F.leaky_relu(self.norm(self.features(x)), 0.2) * torch.sigmoid(self.gate(x))


class HalfAdaIN(nn.Module):
    """Doubles, joins the skip, and lets a vector modulate one half of the channels; a gate passes on the other.

    So identity sets mean and deviation of half the features, and what is known of the photo keeps the rest.
    """

    def __init__(self, inputs: int, outputs: int, vector: int) -> None:
        super().__init__()
        self.halves = conv(inputs, 2 * outputs, bias=False)
        self.norm = channel_norm(outputs)
        self.modulate = nn.Linear(vector, 2 * outputs)
        self.gate = conv(outputs, outputs)
        # A fresh one passes the normed half on as it is, vector or none.
        nn.init.normal_(self.modulate.weight, std=0.1 * vector**-0.5)
        with torch.no_grad():
            self.modulate.bias.copy_(torch.cat([torch.ones(outputs), torch.zeros(outputs)]))

    def forward(self, x: Tensor, skip: Tensor, vector: Tensor) -> Tensor:
        """(B, C, R/2, R/2), (B, inputs - C, R, R), (B, vector) -> (B, outputs, R, R)."""
        told, kept = self.halves(torch.cat([upsampled(x), skip], 1)).chunk(2, 1)
        scale, shift = self.modulate(vector)[:, :, None, None].chunk(2, 1)
        return F.leaky_relu(self.norm(told) * scale + shift + kept * torch.sigmoid(self.gate(kept)), 0.2)


class Styled(nn.Module):
    """A 3×3 convolution whose normed result a map of styles scales and shifts, pixel by pixel."""

    def __init__(self, channels: int, style: int) -> None:
        super().__init__()
        self.conv = conv(channels, channels, bias=False)
        self.norm = channel_norm(channels)
        self.shared = conv(style, channels)
        self.modulate = conv(channels, 2 * channels)

    def forward(self, x: Tensor, styles: Tensor) -> Tensor:
        """(B, channels, R, R), (B, style, R, R) -> (B, channels, R, R)."""
        scale, shift = self.modulate(F.relu(self.shared(styles))).chunk(2, 1)
        return F.leaky_relu(self.norm(self.conv(x)) * (1 + scale) + shift, 0.2)


class StyleEncoder(nn.Module):
    """Features at half the side in [-1, 1], whose mean over a part of the face is that part's style (Zhu et al. 2020)."""

    def __init__(self, channels: int, style: int) -> None:
        super().__init__()
        a, b, c, d = (k * channels for k in (1, 2, 4, 8))
        self.layers = nn.Sequential(
            *_normed(conv(3, a, bias=False)),
            *_normed(conv(a, b, stride=2, bias=False)),
            *_normed(conv(b, c, stride=2, bias=False)),
            *_normed(nn.ConvTranspose2d(c, d, 3, 2, 1, output_padding=1, bias=False)),
            conv(d, style),
            nn.Tanh(),
        )

    def forward(self, picture: Tensor) -> Tensor:
        """(N, 3, S, S) -> (N, style, S/2, S/2)."""
        features: Tensor = self.layers(picture)
        return features


def _normed(layer: nn.Conv2d | nn.ConvTranspose2d) -> tuple[nn.Module, ...]:
    return layer, channel_norm(layer.out_channels), nn.LeakyReLU(0.2)
