"""Bring what is laid into a photo into the photo's light, and let it meet the photo at the hole's edge. Nothing is learned."""

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from unveilify.models.layers.blank import blank
from unveilify.models.layers.candidates import APART, Shown, alike
from unveilify.models.layers.hole import grown
from unveilify.models.layers.warp import resize

LIGHT = 8
"""Squares along the side within which light is taken to be the same."""
FINE = 64
"""Side at which what is left at the hole's edge is looked at."""
REACHES = (0.16, 0.06, 0.02)
"""How far into the hole it goes on, as standard deviations in shares of the side: first what is wide, then what is left."""
ALIKE = 0.5
"""How far colours on [-1, 1] may lie apart at the edge for the same skin to be seen in both; a lid beside a cheek is none."""


def lit(shown: Shown, masked: Tensor, hole: Tensor) -> Shown:
    """The shown picture in the photo's light: what the two differ by on the skin around the hole, over large squares, goes
    on into it. What can be trusted counts, or, where next to nothing can be, all that is seen."""
    step = max(1, masked.shape[-1] // LIGHT)
    sure = (shown.trust > 0.3).float()
    counts = torch.where(sure.sum((1, 2, 3), keepdim=True) > 0.02 * sure[0].numel(), sure, shown.seen)
    apart = masked - shown.picture
    know = shown.seen * counts * (1 - grown(hole, 2)) * alike(apart, APART / 2)
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
    know = share * (share > 0.2) * alike(apart, ALIKE)
    change = torch.zeros_like(apart)
    for reach in REACHES:
        near = _mean(know, reach * side)
        deep = (near / 0.4).clamp(max=1)
        more = deep * deep * (3 - 2 * deep) * _mean((apart - change) * know, reach * side) / near.clamp(min=1e-3)
        change = change + more
    return replace(shown, picture=(shown.picture + resize(change, masked.shape[-1])).clamp(-1, 1))


def _mean(picture: Tensor, width: float) -> Tensor:
    """Means (N, C, s, s) under a Gaussian of standard deviation ``width`` pixels; as matrices, for wide pools are slow."""
    pixel = torch.arange(picture.shape[-1], device=picture.device, dtype=picture.dtype)
    bell = torch.exp(-0.5 * ((pixel - pixel[:, None]) / width).square())
    bell = bell / bell.sum(1, keepdim=True)
    means: Tensor = bell @ picture @ bell.T
    return means
