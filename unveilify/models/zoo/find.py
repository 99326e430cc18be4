"""find: where on a face a mask is, and whether there is one. It paints nothing.

A small U-Net looks at the face crop, halved into four times the channels, and gives one logit per pixel: cloth,
valve, straps and cast shadow are mask; glasses, hair and hands are not. Its soft alpha is enlarged to the photo's
own side and there drawn to the photo's own edges by a guided filter (He et al. 2010), which box filters compute.
"""

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from unveilify.models.contract import Batch, Output, Recipe, Sized
from unveilify.models.layers.found import wanted, worn
from unveilify.models.layers.guided import guided
from unveilify.models.layers.layers import full_precision, scaled
from unveilify.models.layers.resunet import ResUNet, head
from unveilify.models.layers.straps import straps
from unveilify.models.layers.warp import resize
from unveilify.models.sides import PowerOfTwo, levels

USES_HOLE = False
TRAINS = True
RECIPE = Recipe(lr_g=2e-3, betas=(0.9, 0.99), weight_decay=1e-4, cosine=True, best_by=("overlap",))

CHANNELS = (16, 32, 64, 88, 88)
"""Channels per level at width 1, finest first; the finest is half the side at which it looks."""
EDGE, EDGE_PX = 3.0, 5
"""How much more a pixel near the mask's edge counts in training, and how wide "near" is in pixels, an odd number."""


class Config(Sized):
    """Shape of the network."""

    size_px: PowerOfTwo = Field(256, description="side of the square picture in pixels: a power of two, at least 32")
    width: float = Field(1.0, gt=0, le=16, description="channel multiplier")
    look_px: PowerOfTwo = Field(128, description="side at which the network looks; larger photos are reduced for it")
    radius: float = Field(0.05, ge=0, description="reach of the guided filter, as a share of the side; 0: none")
    smooth: float = Field(1e-3, gt=0, description="variance, on 0…1, above which the photo's edges are the mask's")

    @property
    def uses_identity(self) -> bool:
        """Never."""
        return False


class Network(nn.Module):
    """One U-Net; ``any_size``: photos of any side, at that side."""

    any_size = True

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.look_px = min(config.look_px, config.size_px)
        depth = min(len(levels(self.look_px)) - 1, len(CHANNELS))
        channels = [scaled(c, config.width) for c in CHANNELS[:depth]]
        self.trunk = ResUNet(12, channels)
        self.field = head(channels[0], 4, std=0.5)
        self.config = config

    def forward(self, batch: Batch) -> Output:
        """The picture as it is, and in ``alpha`` where the mask is; ``terms`` while training."""
        if not self.training:
            return Output(image=batch.masked, alpha=self.alpha(batch.masked, batch.landmarks))
        logit = self.look(batch.masked)
        terms = {"find": loss(logit, resize(batch.hole, self.look_px))}
        return Output(image=batch.masked, alpha=self.sharpened(logit, batch.masked), terms=terms)

    def look(self, masked: Tensor) -> Tensor:
        """Pictures (B, 3, S, S) in [-1, 1] of any side -> logits (B, 1, L, L), L the side at which it looks."""
        return self.said(self.seen(masked))

    def seen(self, masked: Tensor) -> list[Tensor]:
        """What the trunk sees in the pictures, finest first."""
        features: list[Tensor] = self.trunk(F.pixel_unshuffle(resize(masked, self.look_px), 2))
        return features

    def said(self, seen: list[Tensor]) -> Tensor:
        """The logits of what was seen."""
        return F.pixel_shuffle(self.field(seen[0]).float(), 2)

    def alpha(self, masked: Tensor, landmarks: Tensor | None = None) -> Tensor:
        """Where the mask is in (B, 3, S, S): (B, 1, S, S) in 0…1, soft at its edges; nowhere where none is worn.

        With the faces' meshes ``landmarks`` (B, 468, 3) straps are found, too, that are too thin for the network.
        """
        alpha = self.sharpened(self.look(masked), masked)
        alpha = alpha * worn(alpha)
        return torch.maximum(alpha, straps(masked, alpha, landmarks))

    def sharpened(self, logit: Tensor, masked: Tensor) -> Tensor:
        """Logits (B, 1, L, L) -> alpha (B, 1, S, S), exactly 0 and 1 where sure, with the edges of the pictures."""
        alpha = torch.sigmoid(logit)
        if self.config.radius:
            alpha = guided((masked.float() + 1) / 2, alpha, self.config.radius, self.config.smooth)
        else:
            alpha = resize(alpha, masked.shape[-1])
        return (1.2 * alpha - 0.1).clamp(0, 1)


def loss(logit: Tensor, hole: Tensor) -> Tensor:
    """Cross-entropy, more near the edge, plus soft Dice (Milletari et al. 2016) over each picture; (B, 1, L, L) both."""
    with full_precision(logit):
        truth = wanted(hole.float())
        solid = (truth > 0.5).float()
        near = F.max_pool2d(solid, EDGE_PX, 1, EDGE_PX // 2) + F.max_pool2d(-solid, EDGE_PX, 1, EDGE_PX // 2)
        entropy = F.binary_cross_entropy_with_logits(logit.float(), truth, weight=1 + EDGE * near)
        found = torch.sigmoid(logit.float())
        # One pixel in a thousand stands in for an empty mask, so that finding nothing there is right.
        few = truth[0].numel() / 1000
        both, either = (found * truth).sum((1, 2, 3)), (found + truth).sum((1, 2, 3))
        return entropy + 0.5 * (1 - (2 * both + few) / (either + few)).mean()


def discriminator(config: Config) -> None:
    """None."""
    return None
