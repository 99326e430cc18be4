"""DMFN: fills a known hole through dense combinations of dilated convolutions.

Hui et al., "Image Fine-grained Inpainting" (arXiv 2002.02609), rebuilt from a description of its layers and losses;
`docs/rivals/dmfn.md` says what is known and what was chosen. It is told the hole and leaves all else untouched.
"""

from itertools import pairwise

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from unveilify.models.contract import Batch, Output, Recipe, Sized
from unveilify.models.layers.extra import ExtraLosses
from unveilify.models.layers.features import losses_on_vgg, relative_features
from unveilify.models.layers.layers import full_precision, initialise_normal, scaled
from unveilify.models.layers.patchgan import first_identity
from unveilify.models.layers.pictures import composite
from unveilify.models.layers.warp import sampled
from unveilify.models.sides import PowerOfTwo, levels
from unveilify.models.together import BatchNorm

USES_HOLE = True
TRAINS = True
RECIPE = Recipe(
    l1=1.0, adversarial=0.003, gan="relativistic", lr_g=2e-4, lr_d=2e-4, betas=(0.5, 0.999), best_by=("l1",)
)

SMALL = {"width": 0.5}
"""What a CPU trains in minutes."""

BLOCKS, DILATIONS = 8, (1, 2, 4, 8)

VGG_CHANNELS = (64, 128, 256, 512, 512)
CRITIC_CHANNELS = (64, 128, 256, 512, 512, 512)
"""Channels at width 1; 1000 / channels² is the weight of a layer in both feature-matching losses."""

CENTROID_EPS = 1e-3
"""Added to the sum of a channel whose mean is about 1 before it divides."""


class Config(Sized):
    """Shape of the network, and the weights of the losses that only this one has."""

    size_px: PowerOfTwo = Field(256, description="side of the square picture in pixels: a power of two, at least 32")
    width: float = Field(1.0, gt=0, le=16, description="channel multiplier of generator and discriminator")
    identity: bool = Field(False, description="True: sees the first identity image beside the masked one")
    feature_loss: float = Field(25.0, ge=0, description="weight of the self-guided VGG feature matching")
    alignment_loss: float = Field(1.0, ge=0, description="weight of the geometric alignment of VGG features")
    matching_loss: float = Field(5.0, ge=0, description="weight of the discriminator's feature matching")

    @property
    def uses_identity(self) -> bool:
        """If told to."""
        return self.identity


class Network(nn.Module):
    """Two halvings, eight dense multi-scale fusion blocks, two doublings."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        a, b, c = (scaled(channels, config.width) for channels in (64, 128, 256))
        self.encoder = nn.Sequential(
            nn.Conv2d(7 if config.identity else 4, a, 5, padding=2),
            nn.ReLU(),
            *_normed(nn.Conv2d(a, b, 3, 2, 1, bias=False)),
            *_normed(nn.Conv2d(b, b, 3, 1, 1, bias=False)),
            *_normed(nn.Conv2d(b, c, 3, 2, 1, bias=False)),
        )
        self.blocks = nn.Sequential(*(Fusion(c) for _ in range(BLOCKS)))
        self.decoder = nn.Sequential(
            *_normed(nn.Conv2d(c, c, 3, 1, 1, bias=False)),
            *_normed(nn.ConvTranspose2d(c, b, 4, 2, 1, bias=False)),
            *_normed(nn.Conv2d(b, b, 3, 1, 1, bias=False)),
            *_normed(nn.ConvTranspose2d(b, a, 4, 2, 1, bias=False)),
            *_normed(nn.Conv2d(a, a, 3, 1, 1, bias=False)),
            nn.Conv2d(a, 3, 3, padding=1),
        )
        self.config = config
        self.apply(initialise_normal)

    def forward(self, batch: Batch) -> Output:
        """Fill the hole; every pixel outside it is the masked picture's own."""
        hole = (batch.hole > 0).to(batch.masked.dtype)
        seen = [batch.masked * (1 - hole), hole]
        if self.config.identity:
            seen.append(first_identity(batch))
        painted = torch.tanh(self.decoder(self.blocks(self.encoder(torch.cat(seen, 1)))).float())
        return Output(image=composite(painted, batch.masked, batch.hole))


class Fusion(nn.Module):
    """The dense multi-scale fusion block: four dilations, summed one after the other, fused, added to the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        part = channels // 4
        self.reduce = nn.Sequential(*_normed(nn.Conv2d(channels, part, 3, padding=1, bias=False)))
        self.dilated = nn.ModuleList(nn.Conv2d(part, part, 3, padding=d, dilation=d, bias=False) for d in DILATIONS)
        self.norm = nn.InstanceNorm2d(4 * part)
        self.fuse = nn.Sequential(nn.Conv2d(4 * part, channels, 3, padding=1, bias=False), nn.InstanceNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, R, R) -> the same shape."""
        reduced = self.reduce(x)
        sums: list[Tensor] = []
        for layer in self.dilated:
            sums.append(layer(reduced) + sums[-1] if sums else layer(reduced))
        fused: Tensor = self.fuse(F.relu(self.norm(torch.cat(sums, 1))))
        return x + fused


class Critic(nn.Module):
    """One judgement of the whole picture and of the square around the hole together."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        depth = len(levels(config.size_px)) - 1
        code = scaled(512, config.width)
        self.whole = _branch(depth, config.width)
        self.part = _branch(depth - 1, config.width)
        self.whole_code = nn.Linear(16 * _width(depth, config.width), code)
        self.part_code = nn.Linear(16 * _width(depth - 1, config.width), code)
        self.last = nn.Linear(2 * code, 1)
        self.match_weight = config.matching_loss
        self.apply(initialise_normal)

    def forward(self, image: Tensor, batch: Batch) -> Tensor:
        """(B, 3, S, S) in [-1, 1] -> (B, 1) logits; larger is more real."""
        whole, part = self.whole(image), self.part(around(image, batch.hole))
        codes = torch.cat([self.whole_code(whole.flatten(1)), self.part_code(part.flatten(1))], 1)
        logits: Tensor = self.last(F.leaky_relu(codes, 0.2))
        return logits

    def match(self, image: Tensor, batch: Batch) -> Tensor:
        """Mean absolute difference of the local branch's features, layer by layer."""
        assert batch.unmasked is not None
        made, true = around(image, batch.hole), around(batch.unmasked, batch.hole)
        total = torch.zeros((), device=image.device)
        for i, layer in enumerate(self.part, 1):
            made = layer(made)
            with torch.no_grad():
                true = layer(true)
            total = total + 1000 / _width(i, 1.0) ** 2 * F.l1_loss(made.float(), true.float())
        return total


def discriminator(config: Config) -> nn.Module:
    """The two-branch discriminator."""
    return Critic(config)


def around(image: Tensor, hole: Tensor) -> Tensor:
    """The square around each hole, as (B, 3, S/2, S/2); the whole picture where there is no hole.

    The square's side is the longer one of the hole's bounding box, and it is moved into the picture.
    """
    size = hole.shape[-1]
    (top, height), (left, width) = (_extent((hole > 0).amax((1, axis))) for axis in (3, 2))
    side = torch.maximum(height, width)
    first = [
        torch.minimum((start + (length - side) / 2).clamp(min=0), size - side)
        for start, length in ((left, width), (top, height))
    ]
    scale = side / size
    theta = torch.zeros(len(image), 2, 3, device=image.device)
    theta[:, 0, 0] = theta[:, 1, 1] = scale
    theta[:, :, 2] = torch.stack([(2 * start + side) / size - 1 for start in first], 1)
    grid = F.affine_grid(theta, [len(image), 3, size // 2, size // 2], align_corners=False)
    return sampled(image, grid)


def _extent(inside: Tensor) -> tuple[Tensor, Tensor]:
    """(B, S) of 0 and 1 -> first index and length of what lies between the first and the last 1; all of S if none."""
    places = torch.arange(inside.shape[1], device=inside.device)
    anything = inside.any(1)
    first = torch.where(inside, places, inside.shape[1]).amin(1) * anything
    last = torch.where(anything, torch.where(inside, places, -1).amax(1), inside.shape[1] - 1)
    return first.float(), (last - first + 1).float()


def extra_losses(config: Config, device: torch.device) -> ExtraLosses:
    """The losses on VGG features, where that network is at hand."""
    return losses_on_vgg({"features": config.feature_loss, "alignment": config.alignment_loss}, vgg_losses, device)


def vgg_losses(network: nn.Module, output: Output, batch: Batch) -> dict[str, Tensor]:
    """Self-guided feature matching and geometric alignment (the paper's section III)."""
    assert batch.unmasked is not None
    pairs = relative_features(network, output.image, batch.unmasked)
    with full_precision(output.image):
        guide = error_map(output.image.detach().float(), batch.unmasked.float())
        features = torch.zeros((), device=output.image.device)
        for i, ((made, true), channels) in enumerate(zip(pairs, VGG_CHANNELS, strict=True)):
            # Twice the weight where the picture is most wrong, on the two layers that are about pixels.
            stress = 1 + F.avg_pool2d(guide, 2**i) if i < 2 else 1
            features = features + 1000 / channels**2 * ((made - true).abs() * stress).mean()
        alignment = F.mse_loss(centroids(pairs[3][0]), centroids(pairs[3][1]))
    return {"features": features, "alignment": alignment}


def error_map(image: Tensor, truth: Tensor) -> Tensor:
    """Mean absolute error over the channels, divided by its largest in the picture: (B, 1, S, S) in [0, 1]."""
    error = (image - truth).abs().mean(1, keepdim=True)
    return error / error.amax((2, 3), keepdim=True).clamp(min=1e-8)


def centroids(features: Tensor) -> Tensor:
    """Centre of mass of every channel: (B, C, R, R), not negative -> (B, C, 2) as x, y in [-1, 1]."""
    places = torch.linspace(-1, 1, features.shape[-1], device=features.device)
    mass = features / (features.sum((2, 3), keepdim=True) + CENTROID_EPS)
    return torch.stack([(mass.sum(2) * places).sum(2), (mass.sum(3) * places).sum(2)], 2)


def _width(depth: int, width: float) -> int:
    return scaled(CRITIC_CHANNELS[min(depth, len(CRITIC_CHANNELS)) - 1], width)


def _branch(depth: int, width: float) -> nn.Sequential:
    """``depth`` halvings, each a stage of its own."""
    channels = [3, *(_width(i + 1, width) for i in range(depth))]
    return nn.Sequential(
        *(
            nn.Sequential(nn.Conv2d(a, b, 5, 2, 2, bias=False), BatchNorm(b), nn.LeakyReLU(0.2))
            for a, b in pairwise(channels)
        )
    )


def _normed(layer: nn.Module) -> tuple[nn.Module, ...]:
    """A layer without a bias, which the norm would take away again, its norm and its ReLU."""
    channels = layer.out_channels
    assert isinstance(channels, int)
    return layer, nn.InstanceNorm2d(channels), nn.ReLU()
