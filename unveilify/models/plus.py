"""unveilify-plus: carries the pixels of the person's other photos into the hole, and paints only the rest.

What we ship. A direct path for pixels is the one mechanism that, at small budgets, learns to use the
identity image at all; a global style as in `unveilify` learns it last.

1. An *aligner* looks at the masked photo beside each identity image, whose colours were matched to it, and
   says from where in that image to fetch every pixel (a bounded flow) and how far to trust it there (its
   share of a softmax over all identity images and "none", so that what is occluded or turned away loses).
2. A *painter* looks at the masked photo and the merged result. It finds the mask itself (``alpha``), paints
   the hole from what it knows of faces, and says per pixel how much of the fetched picture to blend in and
   how much of its fine detail to add.

Outside its own alpha the photo is untouched, exactly. With no identity image the painter is alone. All
fields are smooth or of the network's size, so that one small network serves photos of any size: pixels
are fetched and blended at the photo's own resolution.
"""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from unveilify.models.parts.contract import Batch, Output, Recipe, Sized
from unveilify.models.parts.layers import PowerOfTwo, full_precision, levels, scaled
from unveilify.models.parts.patchgan import PatchGAN, first_identity
from unveilify.models.parts.resunet import ResUNet, head
from unveilify.models.parts.together import mean_where, rows
from unveilify.models.parts.warp import fine_detail, match_colour, resize, warp

USES_HOLE = False
TRAINS = True
RECIPE = Recipe(
    l1=1.0,
    l1_hole=0.5,
    lpips=1.0,
    identity=0.2,
    identity_from=0.2,
    identity_rough=True,
    adversarial=0.03,
    adversarial_from=0.5,
    gan="hinge",
    r1=1.0,
    lr_g=7e-4,
    lr_d=4e-4,
    betas=(0.9, 0.99),
    cosine=True,
    best_by=("lpips", "identity"),
)

PAINTER = (24, 48, 96, 160, 192, 192)
ALIGNER = (24, 48, 96, 128, 128)
"""Channels per level at width 1, finest first; the aligner's finest is half the picture's side."""

FLOW_BOUND = (0.4, 0.1)
"""Largest coarse and fine flow, in half sides."""

TRUST = 2.0
"""How much likelier, as a logit, a fresh aligner finds each identity image than "none"."""


class Config(Sized):
    """Shape of the network."""

    size_px: PowerOfTwo = Field(256, description="side of the square picture in pixels: a power of two, at least 32")
    width: float = Field(1.0, gt=0, description="channel multiplier")
    look_px: PowerOfTwo | None = Field(
        None, description="side at which the network looks; larger photos are reduced for it"
    )
    warp_loss: float = Field(1.0, ge=0, description="weight of the loss on the fetched picture alone")
    alpha_loss: float = Field(0.5, ge=0, description="weight of the loss on the mask that it finds")
    rim: int = Field(
        0,
        ge=0,
        description="pixels around the mask, of those it looks at, that it learns to repaint as well: in larger photos "
        "the edge of the mask stays to be seen without",
    )
    reference_dropout: float = Field(
        0.1, ge=0, lt=1, description="share of training photos shown without any reference"
    )


@dataclass(frozen=True, slots=True)
class Fields:
    """What the network says about one batch, at the side L at which it looks.

    ``flow`` (B, K, 2, l, l); ``share`` (B, K, 1, l, l), together with "none" a softmax; ``mask_logit``,
    ``blend``, ``detail`` (B, 1, L, L); ``paint`` (B, 3, L, L).
    """

    flow: Tensor
    share: Tensor
    mask_logit: Tensor
    blend: Tensor
    detail: Tensor
    paint: Tensor


class Network(nn.Module):
    """Aligner and painter."""

    any_size = True

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.look_px = config.look_px or config.size_px
        depth = min(len(levels(self.look_px)), len(PAINTER))
        painter = [scaled(c, config.width) for c in PAINTER[:depth]]
        aligner = [scaled(c, config.width) for c in ALIGNER[: depth - 1]]
        self.aligner = ResUNet(6, aligner)
        # The coarse flow lives on an 8×8 grid (or the aligner's coarsest), the fine one at half the side.
        self.coarse = min(len(aligner) - 1, len(levels(self.look_px)) - 3)
        self.coarse_flow = head(aligner[self.coarse], 2)
        self.fine_flow = head(aligner[0], 3)
        self.painter = ResUNet(8, painter)
        self.fields = head(painter[0], 6, std=0.5)
        self.config = config

    def forward(self, batch: Batch) -> Output:
        """Unmask photos of any side, at that side."""
        side = batch.masked.shape[-1]
        if self.training:
            batch = replace(batch, real=fewer(batch.real, self.config.reference_dropout))
        small = replace(
            batch,
            masked=resize(batch.masked, self.look_px),
            identity=split(resize(batch.identity.flatten(0, 1), self.look_px), batch.identity),
        )
        matched = match_colour(small.identity, small.masked)
        flow, share = self.align(small.masked, matched, batch.real)
        fetched, trust = merge(matched, flow, share)
        fields = self.paint(small.masked, fetched, trust, flow, share)
        if side != self.look_px:
            fetched, trust = merge(match_colour(batch.identity, batch.masked), flow, share)
        return self.render(batch, fields, fetched, trust)

    def align(self, masked: Tensor, matched: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        """Masked photo (B, 3, L, L), identity images (B, K, 3, L, L) -> their `Fields.flow` and `Fields.share`."""
        pairs = torch.cat([masked[:, None].expand_as(matched), matched], 2).flatten(0, 1)
        features = self.aligner(F.avg_pool2d(pairs, 2))
        fine = self.fine_flow(features[0])
        coarse = resize(self.coarse_flow(features[self.coarse]), fine.shape[-1])
        flow = FLOW_BOUND[0] * torch.tanh(coarse) + FLOW_BOUND[1] * torch.tanh(fine[:, :2].float())
        trust = split(fine[:, 2:].float(), matched) + TRUST
        missing = torch.arange(matched.shape[1], device=real.device) >= real[:, None]
        trust = trust.masked_fill(missing[:, :, None, None, None], -torch.inf)
        share = torch.softmax(torch.cat([torch.zeros_like(trust[:, :1]), trust], 1), 1)[:, 1:]
        return split(flow, matched), share

    def paint(self, masked: Tensor, fetched: Tensor, trust: Tensor, flow: Tensor, share: Tensor) -> Fields:
        """Masked photo and merged fetched picture -> all fields."""
        known = torch.cat([masked, fetched, trust, (trust > 0).to(masked)], 1)
        values = self.fields(self.painter(known)[0]).float()
        return Fields(
            flow=flow,
            share=share,
            mask_logit=values[:, :1],
            blend=torch.sigmoid(values[:, 1:2]),
            detail=torch.sigmoid(values[:, 2:3] - 2),
            paint=values[:, 3:],
        )

    def render(self, batch: Batch, fields: Fields, fetched: Tensor, trust: Tensor) -> Output:
        """Blend at the photo's own side S: fetched (B, 3, S, S), trust (B, 1, S, S)."""
        side = batch.masked.shape[-1]
        paint, logit = resize(fields.paint, side), resize(fields.mask_logit, side)
        blend, detail = resize(fields.blend, side) * trust, resize(fields.detail, side) * trust
        fill = paint + blend * (fetched - paint) + detail * fine_detail(fetched)
        # Reaches 0 and 1 exactly, so that what is no mask stays as it is to the last bit.
        alpha = (1.2 * torch.sigmoid(logit) - 0.1).clamp(0, 1)
        image = batch.masked + alpha * (fill - batch.masked)
        warped = {} if batch.unmasked is None else {"warp_psnr": psnr_in(batch, fetched, trust).detach()}
        return Output(
            image=image,
            alpha=alpha,
            terms=self._terms(batch, logit, fetched, trust) if self.training else {},
            weights={"alpha": self.config.alpha_loss, "warp": self.config.warp_loss},
            logs=warped
            | {
                "flow_px": (fields.flow.square().sum(2).sqrt().mean() * side / 2).detach(),
                "blend": ((blend * alpha).sum() / alpha.sum().clamp(min=1)).detach(),
                "detail": ((detail * alpha).sum() / alpha.sum().clamp(min=1)).detach(),
                "trust": trust.mean().detach(),
            },
        )

    def _terms(self, batch: Batch, logit: Tensor, fetched: Tensor, trust: Tensor) -> dict[str, Tensor]:
        """The mask that it finds, and the fetched picture alone, which must not live by the painter's grace."""
        # Where a mask adds anything, what is below must be painted in full: the soft rim counts as mask.
        with full_precision(logit):
            reach = self.config.rim * logit.shape[-1] // self.look_px
            wanted = F.max_pool2d((2.5 * batch.hole).clamp(max=1), 2 * reach + 1, 1, reach)
            found = F.binary_cross_entropy_with_logits(logit, wanted)
        terms = {"alpha": found}
        if batch.unmasked is not None:
            error = (fetched - batch.unmasked).abs() + (fine_detail(fetched) - fine_detail(batch.unmasked)).abs()
            terms["warp"] = mean_where(error, (batch.hole > 0) * (trust > 0))
        return terms


def psnr_in(batch: Batch, fetched: Tensor, trust: Tensor) -> Tensor:
    """PSNR in dB, over the whole batch, of the fetched picture alone where it fills the hole: it must not be a tint."""
    assert batch.unmasked is not None
    there = (batch.hole > 0) * (trust > 0)
    error = ((fetched - batch.unmasked).float().square() * there).sum() / (3 * there.sum()).clamp(min=1)
    return 10 * torch.log10(4 / error.clamp(min=1e-8))


def fewer(real: Tensor, dropout: float) -> Tensor:
    """Numbers of identity images (B,) -> none with probability ``dropout``, else any number from 1 up to as many."""
    which, none = rows(lambda n: torch.rand(n, 2, device=real.device), len(real)).unbind(1)
    some = 1 + (which * real).long().clamp(max=real - 1)
    return torch.where((none < dropout) | (real == 0), 0, some)


def merge(matched: Tensor, flow: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
    """Fetch from every identity image and weigh: (B, K, 3, S, S), fields -> (B, 3, S, S), trust (B, 1, S, S)."""
    side = matched.shape[-1]
    fetched = split(warp(matched.flatten(0, 1), flow.flatten(0, 1)), matched)
    weight = split(resize(share.flatten(0, 1), side), matched)
    trust = weight.sum(1)
    return (weight * fetched).sum(1) / trust.clamp(min=1e-4), trust


def split(joined: Tensor, like: Tensor) -> Tensor:
    """(B·K, …) -> (B, K, …), with B and K of ``like``."""
    return joined.reshape(*like.shape[:2], *joined.shape[1:])


def discriminator(config: Config) -> nn.Module:
    """The conditional PatchGAN; it begins when the picture is nearly right."""
    return PatchGAN(config.size_px, min(1.0, config.width), first_identity)
