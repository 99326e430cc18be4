"""Bring what is laid into a photo into the photo's light, and let it meet the photo at the hole's edge. Nothing is learned."""

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from unveilify.models.layers.blank import blank, going_on
from unveilify.models.layers.candidates import APART, Shown, alike
from unveilify.models.layers.hole import grown
from unveilify.models.layers.warp import blurred, gaussian, resize

LIGHT = 8
"""Squares along the side within which light is taken to be the same."""
FINE = 64
"""Side at which what is left at the hole's edge is looked at."""
REACHES = (0.16, 0.06, 0.02)
"""How far into the hole it goes on, as standard deviations in shares of the side: first what is wide, then what is left."""
SHARP, SEAM = 160, (0.03, 0.015)
"""The same for whatever meets at the edge, looked at more sharply and not as far: what is left after all this is a line."""
ALIKE, GLARE = 0.25, 0.8
"""How far colours on [-1, 1] may lie apart at the edge, from what they usually do around there, for the same skin to be seen in
both, a lid beside a cheek is none; and how far they may usually lie apart."""

BLURS = (0.6, 0.8, 1.0, 1.3, 1.6, 2.0, 2.5, 3.1, 3.9, 5.0)
"""Standard deviations in pixels of the blurs that are tried."""
COMPARED = 512
"""Largest side at which lines are compared."""
SHARPER, FINEST = 1.15, 1.5
"""How much stronger than the photo's the lines may be that are finer than so many pixels."""
GREY, MOST = 0.04, 0.95
"""A photo of which such a share has less chroma than this, on [-1, 1], has no colours: JPEG leaves some."""


def lit(shown: Shown, masked: Tensor, hole: Tensor) -> Shown:
    """The shown picture in the photo's light: what the two differ by on the skin around the hole, over large squares, goes
    on into it. Only what can be trusted counts: nobody's face is estimated in this photo's light."""
    step = max(1, masked.shape[-1] // LIGHT)
    sure = (shown.trust > 0.3).float()
    apart = masked - shown.picture
    know = shown.seen * sure * (1 - grown(hole, 2)) * alike(apart, APART / 2)
    share = F.avg_pool2d(know, step)
    apart = F.avg_pool2d(apart * know, step) / share.clamp(min=1e-3)
    enough = (share >= 0.2).float()
    light = resize(blank(apart.clamp(-0.5, 0.5) * enough, 1 - enough), masked.shape[-1])
    return replace(shown, picture=(shown.picture + light).clamp(-1, 1))


def joined(shown: Shown, masked: Tensor, hole: Tensor) -> Shown:
    """The shown picture (B, 3, S, S), changed near the edge of ``hole`` (B, 1, S, S) so that skin goes over into skin.

    What picture and photo differ by just outside goes on into the hole and fades there, from wide to narrow. Where the
    edge crosses no skin that both show, at the jaw or at a lid, nothing changes.
    """
    side = min(FINE, masked.shape[-1])
    outside = shown.seen * (1 - hole)
    share = resize(outside, side)
    apart = resize((masked - shown.picture) * outside, side) / share.clamp(min=1e-3)
    there = share * (share > 0.2)
    width = REACHES[0] * side
    usual = blurred(apart, there, width)
    know = there * alike(apart - usual, ALIKE)
    change = resize(going_on(apart, know, REACHES, there) * alike(usual, GLARE), masked.shape[-1])
    return replace(shown, picture=(shown.picture + change).clamp(-1, 1))


def as_sharp(shown: Shown, masked: Tensor, hole: Tensor) -> Shown:
    """The shown picture no sharper than the photo: blurred until eyes and brows, which both show, have no finer lines in it."""
    side = min(COMPARED, masked.shape[-1])
    where = resize(shown.seen * (1 - grown(hole, 2)), side)
    grey, photo = (resize(x.mean(1, keepdim=True), side) for x in (shown.picture, masked))
    most = SHARPER * _lines(photo, where)
    blurred = torch.zeros(len(masked))
    left = _lines(grey, where) > most
    for width in BLURS:
        if not left.any():
            break
        blurred[left] = width * masked.shape[-1] / side
        left &= _lines(gaussian(grey, width), where) > most
    pairs = zip(shown.picture, blurred.tolist(), strict=True)
    return replace(shown, picture=torch.stack([gaussian(one, width) if width else one for one, width in pairs]))


def _lines(grey: Tensor, where: Tensor) -> Tensor:
    """(B,): how strong the finest lines of (B, 1, S, S) are, on the host."""
    fine = (grey - gaussian(grey, FINEST)).square()
    return ((fine * where).sum((1, 2, 3)) / where.sum((1, 2, 3)).clamp(min=1)).sqrt().cpu()


def met(fill: Tensor, masked: Tensor, hole: Tensor) -> Tensor:
    """The fill (B, 3, S, S), changed within `SEAM` of the edge of ``hole``: no line is seen there, whatever meets."""
    side = min(SHARP, masked.shape[-1])
    know = resize(1 - hole, side)
    know = know * (know > 0.5)
    apart = resize(masked - fill, side)
    return fill + resize(going_on(apart, know, SEAM), masked.shape[-1])


def as_grey(fill: Tensor, masked: Tensor, hole: Tensor) -> Tensor:
    """The fill (B, 3, S, S), without colours where the photo has none: of an old or a printed photo, or one of a single ink."""
    side = min(FINE, masked.shape[-1])
    small, seen = resize(masked, side), resize(1 - hole, side)
    chroma = (small - small.mean(1, keepdim=True)).abs().mean(1, keepdim=True) * seen
    colourful = chroma.flatten(1).quantile(MOST, dim=1)
    return torch.where((colourful < GREY)[:, None, None, None], fill.mean(1, keepdim=True), fill)
