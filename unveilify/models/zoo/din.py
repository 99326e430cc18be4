"""Din et al.: find the mask, then paint what is under it, before two discriminators.

Din, Javed, Bae, Yi, "A Novel GAN-Based Network for Unmasking of Masked Face" (IEEE Access 8, 2020), rebuilt from a
description of two public re-implementations, as there is no code of its authors; `docs/rivals/din.md` says what is
known and what was chosen. It is told neither hole nor identity image and paints the whole picture anew.
"""

from functools import partial
from itertools import pairwise

import torch
from pydantic import Field
from torch import Tensor, nn

from unveilify.models.contract import Batch, Output, Recipe, Sized
from unveilify.models.layers.extra import ExtraLosses
from unveilify.models.layers.features import losses_on_vgg, relative_features
from unveilify.models.layers.layers import channel_norm, initialise_normal, scaled
from unveilify.models.layers.patchgan import PatchGAN
from unveilify.models.sides import PowerOfTwo, levels

USES_HOLE = False
TRAINS = True
# Their 100 : 100 : 100 : 1 (the last one is both discriminators together), divided by 100.
RECIPE = Recipe(
    l1=1.0,
    ssim=1.0,
    alpha=1.0,
    adversarial=0.01,
    adversarial_from=0.1,
    gan="bce",
    lr_g=2e-4,
    lr_d=2e-4,
    betas=(0.5, 0.999),
    best_by=("l1",),
)

SMALL = {"width": 1.125, "critic_width": 0.25, "feature_share": 0.5}
"""What a CPU trains in minutes."""

MAP_CHANNELS = (32, 64, 128, 256, 512, 512)
EDIT_CHANNELS = (32, 64, 128, 256, 512)
"""Of the levels at half the picture's side, a quarter, …: down to 4×4 and to 8×8."""

EXCITED, DILATIONS = 3, (1, 2, 4)

COVERED = 0.05
"""From this probability on a pixel counts as mask, so that the soft rim does."""

WHOLE, REGION = 3, 7
"""Tenths of the adversarial loss that come from each discriminator once both play."""


class Config(Sized):
    """Shape of the network, and what only its training has."""

    size_px: PowerOfTwo = Field(256, description="side of the square picture in pixels: a power of two, at least 32")
    width: float = Field(1.0, gt=0, le=16, description="channel multiplier of both stages")
    critic_width: float = Field(1.0, gt=0, le=16, description="channel multiplier of both discriminators")
    feature_loss: float = Field(1.0, ge=0, description="weight of the squared error of VGG features")
    feature_share: float = Field(1.0, gt=0, le=1, description="share of every batch whose features are looked at")
    region_from: float = Field(0.4, ge=0, le=1, description="share of the training when the second discriminator joins")

    @property
    def uses_identity(self) -> bool:
        """Never."""
        return False


class Network(nn.Module):
    """The map stage and, on its verdict, the editing stage."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        depth = len(levels(config.size_px)) - 1
        self.map = Stage(3, 1, [scaled(_at(MAP_CHANNELS, i), config.width) for i in range(depth)])
        channels = [scaled(_at(EDIT_CHANNELS, i), config.width) for i in range(depth - 1)]
        self.edit = Stage(4, 3, channels, excited=EXCITED, middle=Atrous(channels[-1]))
        self.config = config

    def forward(self, batch: Batch) -> Output:
        """Re-synthesise the whole picture; the map is trained by its own loss alone."""
        found = torch.sigmoid(self.map(batch.masked).float())
        covered = (found.detach() > COVERED).to(batch.masked.dtype)
        painted = self.edit(torch.cat([batch.masked, covered], 1))
        logs = {"map_iou": agreement(covered, batch.hole)} if self.training else {}
        return Output(image=torch.tanh(painted.float()), alpha=found, logs=logs)


class Stage(nn.Module):
    """A U-Net of strided and transposed convolutions that comes back to its input, and to the input's size."""

    def __init__(
        self, inputs: int, outputs: int, channels: list[int], excited: int = 0, middle: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.downs = nn.ModuleList(
            nn.Sequential(
                *_block(nn.Conv2d(a, b, 3, 2, 1, bias=i == 0), normed=i > 0),
                Excite(b) if i < excited else nn.Identity(),
            )
            for i, (a, b) in enumerate(pairwise([inputs, *channels]))
        )
        self.middle = middle or nn.Identity()
        finer = [channels[0], *channels[:-1]]
        self.ups = nn.ModuleList(
            nn.Sequential(*_block(nn.ConvTranspose2d(a, b, 3, 2, 1, output_padding=1, bias=False)))
            for a, b in zip([2 * c for c in channels[:-1]] + [channels[-1]], finer, strict=True)
        )
        self.last = nn.Conv2d(channels[0] + inputs, outputs, 3, padding=1)
        self.apply(initialise_normal)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, S, S) -> (B, outputs, S, S), unbounded."""
        skips = [x]
        for down in self.downs:
            skips.append(down(skips[-1]))
        x = self.middle(skips.pop())
        for up in reversed(self.ups):
            x = torch.cat([up(x), skips.pop()], 1)
        painted: Tensor = self.last(x)
        return painted


class Excite(nn.Module):
    """Squeeze-and-excitation: every channel is weighed by what all of them say on average (Hu et al. 2018)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        few = max(4, channels // 16)
        self.weigh = nn.Sequential(nn.Conv2d(channels, few, 1), nn.ReLU(), nn.Conv2d(few, channels, 1), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, R, R) -> the same shape."""
        weighed: Tensor = x * self.weigh(x.mean((2, 3), keepdim=True))
        return weighed


class Atrous(nn.Module):
    """Five views of the lowest map beside one another: each pixel, three dilations, the mean (Chen et al. 2017)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.views = nn.ModuleList(
            [nn.Sequential(*_block(nn.Conv2d(channels, channels, 1, bias=False)))]
            + [
                nn.Sequential(*_block(nn.Conv2d(channels, channels, 3, padding=d, dilation=d, bias=False)))
                for d in DILATIONS
            ]
        )
        # A norm over one pixel would leave nothing of it.
        self.mean = nn.Sequential(*_block(nn.Conv2d(channels, channels, 1), normed=False))
        self.fuse = nn.Sequential(*_block(nn.Conv2d((2 + len(DILATIONS)) * channels, channels, 1, bias=False)))

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, R, R) -> the same shape."""
        mean = self.mean(x.mean((2, 3), keepdim=True)).expand_as(x)
        fused: Tensor = self.fuse(torch.cat([*(view(x) for view in self.views), mean], 1))
        return fused


class Critic(nn.Module):
    """A judge of the whole picture, and later one beside it of what is under the mask."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.whole = PatchGAN(config.size_px, config.critic_width, _nothing, 0)
        self.region = PatchGAN(config.size_px, config.critic_width, _hole, 1)
        self.region_from = config.region_from
        self.both = True

    def at(self, progress: float) -> None:
        """The second one joins at its share of the training."""
        self.both = progress >= self.region_from

    def forward(self, image: Tensor, batch: Batch) -> Tensor:
        """(B, 3, S, S) in [-1, 1] -> (B, 1 or 10, P, P) logits; larger is more real.

        Each one's logits are repeated as often as it counts, so that a mean loss over all of them is the
        weighted sum of both losses.
        """
        whole: Tensor = self.whole(image, batch)
        if not self.both:
            return whole
        region = self.region(torch.where(batch.hole > 0, image, batch.masked), batch)
        return torch.cat([whole] * WHOLE + [region] * REGION, 1)


def discriminator(config: Config) -> nn.Module:
    """Both discriminators in one."""
    return Critic(config)


def extra_losses(config: Config, device: torch.device) -> ExtraLosses:
    """The loss on VGG features, where that network is at hand."""
    return losses_on_vgg({"features": config.feature_loss}, partial(vgg_loss, config.feature_share), device)


def vgg_loss(share: float, network: nn.Module, output: Output, batch: Batch) -> dict[str, Tensor]:
    """Squared error of the features of blocks three to five over each sample's own square, summed over these."""
    assert batch.unmasked is not None
    pairs = relative_features(network, output.image, batch.unmasked, share)[2:]
    return {"features": torch.stack([_relative_error(made, true) for made, true in pairs]).sum()}


def agreement(covered: Tensor, hole: Tensor) -> Tensor:
    """Intersection over union of the found and the true mask, (B, 1, S, S) each; 1 where both are empty."""
    found, true = covered.detach() > 0, hole > 0
    return ((found & true).sum() + 1) / ((found | true).sum() + 1)


def _relative_error(made: Tensor, true: Tensor) -> Tensor:
    error, size = ((x.square().mean((1, 2, 3))) for x in (made - true, true))
    return (error / size.clamp(min=1e-8)).mean()


def _nothing(batch: Batch) -> Tensor:
    return batch.hole[:, :0]


def _hole(batch: Batch) -> Tensor:
    return (batch.hole > 0).to(batch.masked.dtype)


def _at(values: tuple[int, ...], level: int) -> int:
    return values[min(level, len(values) - 1)]


def _block(layer: nn.Conv2d | nn.ConvTranspose2d, *, normed: bool = True) -> tuple[nn.Module, ...]:
    """A layer, its norm, LeakyReLU."""
    norm = channel_norm(layer.out_channels, affine=True) if normed else nn.Identity()
    return layer, norm, nn.LeakyReLU(0.2)
