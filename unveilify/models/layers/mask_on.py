"""The way back: a network that puts a mask, as worn in one photo, on the bare face of another.

It stands where CycleGAN (Zhu et al. 2017) has its second generator. It fetches the pixels of the mask from the photo
in which it is worn, by a bounded flow, and changes their light by a bounded tint; so what it draws has the cloth,
folds, straps and grain of a real photo from the first step, and little is left that it could invent. It is a part
of training only.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from unveilify.models.layers.layers import scaled
from unveilify.models.layers.resunet import ResUNet, head
from unveilify.models.layers.warp import resize, warp
from unveilify.models.sides import levels
from unveilify.models.together import rows

CHANNELS = (16, 32, 64, 96, 96)
"""Channels per level at width 1, finest first: 1.0 M parameters."""

FLOW_BOUND = (0.4, 0.1)
"""Largest coarse and fine flow, in half sides."""
TINT = 0.4
"""Most that the light adds to a colour on [-1, 1]."""


@dataclass(frozen=True, slots=True)
class Worn:
    """The ``cloth`` (B, 3, S, S) of a mask and where it lies, ``alpha`` (B, 1, S, S) from 0 exactly to 1; float32."""

    cloth: Tensor
    alpha: Tensor

    def on(self, bare: Tensor, *, moves_alpha: bool = True) -> Tensor:
        """The bare pictures (B, 3, S, S) with the mask on, untouched to the last bit where alpha is 0.

        Without ``moves_alpha`` a loss on the result changes the look of the mask alone, not where it lies.
        """
        alpha = self.alpha if moves_alpha else self.alpha.detach()
        return torch.where(alpha > 0, bare + alpha * (self.cloth - bare), bare)


class MaskOn(nn.Module):
    """``forward(bare, worn)``: the mask of the second picture as it would lie on the face of the first."""

    def __init__(self, size_px: int, width: float = 1.0) -> None:
        super().__init__()
        depth = min(len(levels(size_px)), len(CHANNELS))
        channels = [scaled(c, width) for c in CHANNELS[:depth]]
        self.coarse = min(depth - 1, 3)
        self.trunk = ResUNet(6, channels)
        self.broad = head(channels[self.coarse], 5)
        self.fine = head(channels[0], 3)

    def forward(self, bare: Tensor, worn: Tensor) -> Worn:
        """Two pictures (B, 3, S, S) in [-1, 1], aligned on the eyes."""
        features = self.trunk(torch.cat([bare, worn], 1))
        broad, fine = self.broad(features[self.coarse]).float(), self.fine(features[0]).float()
        side = bare.shape[-1]
        flow = FLOW_BOUND[0] * torch.tanh(resize(broad[:, :2], side)) + FLOW_BOUND[1] * torch.tanh(fine[:, :2])
        cloth = warp(worn, flow) + TINT * torch.tanh(resize(broad[:, 2:], side))
        # Reaches 0 exactly, so that what is no mask stays as it is.
        alpha = (1.2 * torch.sigmoid(fine[:, 2:]) - 0.1).clamp(0, 1)
        return Worn(cloth.clamp(-1, 1), alpha)


def weathered(pictures: Tensor, noise: float = 0.03) -> Tensor:
    """Pictures in [-1, 1] as a camera's file would hold them: noise of up to ``noise``, then whole bytes; no gradient.

    A pair of networks that hand pictures to each other learns to hide messages in them (Chu et al. 2017).
    """
    pictures = pictures.detach().float()
    strength = noise * rows(lambda n: torch.rand(n, 1, 1, 1, device=pictures.device), len(pictures))
    grain = rows(lambda n: torch.randn(n, *pictures.shape[1:], device=pictures.device), len(pictures))
    noisy = pictures + strength * grain
    return ((noisy.clamp(-1, 1) + 1) * 127.5).round() / 127.5 - 1
