"""Reference-guided inpainting: a gated U-Net that fills a known hole with one person's identity and texture.

Luo, Yang, Zhang, "Reference-Guided Large-Scale Face Inpainting with Identity and Texture Control" (IEEE TCSVT
2023, the UnVeilify paper's reference [12]), rebuilt from a description of its public code; `docs/rivals/refface.md`
says what is known and what was chosen: above all, its identity vector here comes from an encoder that is trained
along, not from a face recogniser. It is told the hole and leaves all else untouched.
"""

import math
from functools import partial
from itertools import pairwise

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from unveilify.models.contract import Batch, Output, Recipe, Sized
from unveilify.models.layers.extra import ExtraLosses
from unveilify.models.layers.features import losses_on_vgg, relative_features
from unveilify.models.layers.gated import Gated, HalfAdaIN, Styled, StyleEncoder
from unveilify.models.layers.layers import conv, identity_mean, norm, scaled
from unveilify.models.layers.pictures import composite
from unveilify.models.layers.psp import Unit
from unveilify.models.sides import PowerOfTwo, levels
from unveilify.models.together import rows
from unveilify.perception.align import CROP_EYES

USES_HOLE = True
TRAINS = True
# The adversarial loss is the mean over four equal parts, so that 2 of it are 1 (whole), 0.5 (nose), 0.5 (mouth).
RECIPE = Recipe(
    l1=20.0,
    identity=3.0,
    adversarial=2.0,
    gan="hinge",
    lr_g=2e-4,
    lr_d=2e-4,
    betas=(0.5, 0.999),
    best_by=("lpips", "identity"),
)

SMALL = {"width": 0.25, "critic_width": 0.25, "feature_share": 0.5}
"""What a CPU trains in minutes."""

CHANNELS = (32, 64, 128, 256, 512, 512, 1024, 1024)
DECODED = (16, 32, 64, 128, 256, 512, 1024)
"""Channels at width 1 of the levels at the picture's side, half of it, …, down to 2×2 (which is not decoded)."""

STYLED = (1, 2)
"""Levels of the decoder that get the styles of parts of the face."""

IDENTITY_CHANNELS, IDENTITY_UNITS, VECTOR = (64, 128, 256, 512), 2, 512
STYLE_CHANNELS, STYLE = 32, 64

EYES_X, EYES_Y = CROP_EYES.mean(0)
APART = float(CROP_EYES[1, 0] - CROP_EYES[0, 0])
PARTS = ((0.57, 0.35, 0.40), (1.16, 0.50, 0.35))
"""Nose and mouth: how far below the eyes, half width, half height, in distances between the eyes (ArcFace's template)."""

SQUARE = 0.7
"""Half the side of the squares around nose and mouth that the discriminator looks at, in the same unit."""

CRITIC_CHANNELS = (64, 128, 256, 256, 256)
WHOLE_COUNTS = 2
"""How often the whole face counts beside each of its two parts."""

VGG_WEIGHTS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1)


class Config(Sized):
    """Shape of the network, and what only its training has."""

    size_px: PowerOfTwo = Field(256, description="side of the square picture in pixels: a power of two, at least 32")
    width: float = Field(1.0, gt=0, le=16, description="channel multiplier of the network and its encoders")
    critic_width: float = Field(1.0, gt=0, le=16, description="channel multiplier of the discriminators")
    feature_loss: float = Field(10.0, ge=0, description="weight of the difference of VGG features")
    feature_share: float = Field(1.0, gt=0, le=1, description="share of every batch whose features are looked at")
    own_reference: float = Field(0.25, ge=0, lt=1, description="share of training photos that are their own reference")
    no_reference: float = Field(0.1, ge=0, lt=1, description="share of training photos that are shown none")


class Network(nn.Module):
    """Encoders of who it is and what nose and mouth look like, and the U-Net that both guide."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        depth = len(levels(config.size_px, smallest_px=2))
        c = [scaled(_at(CHANNELS, i), config.width) for i in range(depth)]
        out = [scaled(_at(DECODED, i), config.width) for i in range(depth - 1)]
        vector, style = max(64, scaled(VECTOR, config.width)), scaled(STYLE, config.width)
        self.who = IdentityEncoder(config.width, vector)
        self.look = StyleEncoder(scaled(STYLE_CHANNELS, config.width), style)
        self.first = nn.Sequential(conv(4, c[0], kernel=5), nn.LeakyReLU(0.2))
        self.downs = nn.ModuleList(Gated(a, b, stride=2) for a, b in pairwise(c))
        self.middle = Gated(c[-1], c[-1], stride=1)
        self.ups = nn.ModuleList(
            HalfAdaIN(deeper + skip, mine, vector)
            for deeper, skip, mine in zip([*out[1:], c[-1]], c, out, strict=False)
        )
        self.styled = nn.ModuleList(Styled(out[i], style) for i in STYLED)
        self.last = conv(out[0], 3)
        self.config = config

    def forward(self, batch: Batch) -> Output:
        """Fill the hole; every pixel outside it is the masked picture's own."""
        identity, real = self.reference(batch)
        hole = (batch.hole > 0).to(batch.masked.dtype)
        vector, styles = self.encode(identity, real)
        styles = styles * _hidden(hole)[:, :, None]
        x = self.first(torch.cat([batch.masked * (1 - hole), hole], 1))
        skips = [x]
        for down in self.downs:
            skips.append(down(skips[-1]))
        x = self.middle(skips.pop())
        for level in reversed(range(len(self.ups))):
            x = self.ups[level](x, skips[level], vector)
            if level in STYLED:
                places = windows(x.shape[-1], x.device)
                x = self.styled[STYLED.index(level)](x, torch.einsum("bpd,phw->bdhw", styles, places))
        return Output(image=composite(torch.tanh(self.last(x).float()), batch.masked, batch.hole))

    def encode(self, identity: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        """(B, K, 3, S, S) -> the identity vector (B, V) and the styles of nose and mouth (B, 2, D); zeros without any."""
        together = identity.flatten(0, 1)
        vectors = self.who(together).reshape(*identity.shape[:2], -1)
        vector = F.normalize(identity_mean(vectors, real), eps=1e-6) * vectors.shape[-1] ** 0.5
        features = self.look(together)
        places = windows(features.shape[-1], features.device)
        places = places / places.sum((1, 2), keepdim=True)
        styles = torch.einsum("ndhw,phw->npd", features, places)
        return vector, identity_mean(styles.reshape(*identity.shape[:2], *styles.shape[1:]), real)

    def reference(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Identity images and how many are real; in training some photos are their own reference, and some have none."""
        if not self.training or batch.unmasked is None:
            return batch.identity, batch.real
        chance = rows(lambda n: torch.rand(n, device=batch.real.device), len(batch))
        own, none = chance < self.config.own_reference, chance > 1 - self.config.no_reference
        identity = torch.where(own[:, None, None, None, None], batch.unmasked[:, None], batch.identity)
        return identity, torch.where(none, 0, torch.where(own, 1, batch.real))


class IdentityEncoder(nn.Module):
    """Units of a face recogniser (`psp.Unit`), mean, linear: who a picture shows."""

    def __init__(self, width: float, vector: int) -> None:
        super().__init__()
        channels = [scaled(c, width) for c in IDENTITY_CHANNELS]
        self.stem = nn.Sequential(conv(3, channels[0], stride=2, bias=False), norm(channels[0]), nn.PReLU(channels[0]))
        self.units = nn.Sequential(
            *(
                Unit(outputs if i else inputs, outputs, 1 if i else 2)
                for inputs, outputs in pairwise([channels[0], *channels])
                for i in range(IDENTITY_UNITS)
            )
        )
        self.linear = nn.Linear(channels[-1], vector)

    def forward(self, picture: Tensor) -> Tensor:
        """(N, 3, S, S) in [-1, 1] -> (N, vector)."""
        vector: Tensor = self.linear(self.units(self.stem(picture)).mean((2, 3)))
        return vector


class Critic(nn.Module):
    """A judge of the whole picture and one each of nose and mouth."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.part_px = max(32, config.size_px // 4)
        self.whole = _judge(config.size_px, config.critic_width)
        self.parts = nn.ModuleList(_judge(self.part_px, config.critic_width) for _ in PARTS)

    def forward(self, image: Tensor, batch: Batch) -> Tensor:
        """(B, 3, S, S) in [-1, 1] -> (B, 4, 4, 4) logits, the whole twice and each part once; larger is more real."""
        parts = [
            judge(crop(image, below, self.part_px)) for judge, (below, _, _) in zip(self.parts, PARTS, strict=True)
        ]
        return torch.cat([self.whole(image)] * WHOLE_COUNTS + parts, 1)


def discriminator(config: Config) -> nn.Module:
    """All discriminators in one."""
    return Critic(config)


def extra_losses(config: Config, device: torch.device) -> ExtraLosses:
    """The loss on VGG features, where that network is at hand."""
    return losses_on_vgg({"features": config.feature_loss}, partial(vgg_loss, config.feature_share), device)


def vgg_loss(share: float, network: nn.Module, output: Output, batch: Batch) -> dict[str, Tensor]:
    """Mean absolute error of the features, a deeper layer counting more."""
    assert batch.unmasked is not None
    pairs = relative_features(network, output.image, batch.unmasked, share)
    layers = [weight * F.l1_loss(made, true) for weight, (made, true) in zip(VGG_WEIGHTS, pairs, strict=True)]
    return {"features": torch.stack(layers).sum()}


def windows(side: int, device: torch.device) -> Tensor:
    """Where nose and mouth lie in a face crop: (2, side, side) in 0…1, soft ellipses."""
    at = (torch.arange(side, device=device) + 0.5) / side
    found = []
    for below, half_width, half_height in PARTS:
        x = (at - EYES_X) / (half_width * APART)
        y = (at - EYES_Y - below * APART) / (half_height * APART)
        found.append(torch.exp(-(x.square()[None, :] + y.square()[:, None])))
    return torch.stack(found)


def crop(image: Tensor, below: float, side: int) -> Tensor:
    """The square around a part of the face: (B, 3, S, S) -> (B, 3, side, side)."""
    whole = image.shape[-1]
    left, top = EYES_X - SQUARE * APART, EYES_Y + (below - SQUARE) * APART
    rows, columns = (slice(round(a * whole), round((a + 2 * SQUARE * APART) * whole)) for a in (top, left))
    return F.interpolate(image[..., rows, columns], size=(side, side), mode="bilinear", antialias=True)


def _hidden(hole: Tensor) -> Tensor:
    """(B, 1, S, S) of 0 and 1 -> (B, 2): 1 for each of nose and mouth that is covered by more than half."""
    places = windows(hole.shape[-1], hole.device)
    return ((hole * places).sum((2, 3)) > 0.5 * places.sum((1, 2))).to(hole.dtype)


def _judge(side: int, width: float) -> nn.Sequential:
    """Spectrally normed 5×5 stride-2 convolutions down to 4×4 logits (Miyato et al. 2018)."""
    halvings = int(math.log2(side // 4))
    channels = [3, *(scaled(c, width) for c in CRITIC_CHANNELS[: halvings - 1]), 1]
    layers: list[nn.Module] = []
    for a, b in pairwise(channels):
        layers += [spectral_norm(nn.Conv2d(a, b, 5, 2, 2)), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers[:-1])


def _at(values: tuple[int, ...], level: int) -> int:
    return values[min(level, len(values) - 1)]
