"""Skin on a face that has none: nobody's face is a mean, and a smooth cheek below a rough forehead is seen. Nothing is learned.

The fine lines of the photo's own skin, around the hole, are laid over the face as small patches from random places: what is as
fine as a patch, pores, noise and blocks, is the photo's own. Patches from places that have nothing to do with one another are
added by their squares, so that the sum is as rough as they are (as spots in van Wijk 1991, "Spot noise").
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from unveilify.models.layers.candidates import APART, alike
from unveilify.models.layers.hole import grown
from unveilify.models.layers.warp import blurred

GRAINY_PX = 96
"""Side of a face crop below which nothing is grain: lips and lids are as fine."""
PATCH = 1 / 16
"""Side of a patch, in sides of the face crop."""
FINE = 1 / 200
"""What is finer than this standard deviation, in sides, is grain."""
EXTREME = 2.0
"""Lines stronger than so many usual ones are no grain."""
WHOLE, LEAST = 0.95, 0.5
"""How much of a patch must be skin, or that of the best one, if it is at least so much."""


def grained(fill: Tensor, masked: Tensor, hole: Tensor, face: Tensor) -> Tensor:
    """The fill (B, 3, S, S) with grain on its ``face`` (B, 1, S, S) in the ``hole`` (B, 1, S, S), where that is smoother than the
    photo's skin around it. The grain is always the same; below `GRAINY_PX` there is none."""
    if fill.shape[-1] < GRAINY_PX:
        return fill
    skin = face * (1 - grown(hole, 2)) * (alike(masked - fill, APART / 2) > 0.5)
    rows = zip(fill, masked, hole * face, (skin > 0.5).float(), strict=True)
    return torch.stack([_grained(*(one[None] for one in row))[0] for row in rows]).clamp(-1, 1)


def _grained(fill: Tensor, masked: Tensor, where: Tensor, skin: Tensor) -> Tensor:
    side = fill.shape[-1]
    width, size = FINE * side, 2 * round(PATCH * side / 2)
    fine = _fine(masked, skin, width)
    usual = _rough(fine, skin)
    lacking = (usual.square() - _rough(_fine(fill, (where > 0.5).float(), width), where).square()).clamp(min=0).sqrt()
    fine = fine.clamp(-EXTREME * usual, EXTREME * usual)
    laid = _laid(fine, skin, size)
    if laid is None:
        return fill
    rough = _rough(laid, where).clamp(min=1e-6)
    return fill + where * (lacking / rough).clamp(max=1) * laid


def _laid(fine: Tensor, skin: Tensor, size: int) -> Tensor | None:
    """Grain all over (1, 3, S, S) from patches of ``size`` of the ``fine`` lines (1, 3, S, S) of the ``skin`` (1, 1, S, S); None
    where no patch is skin."""
    side, step = fine.shape[-1], size // 2
    share = _means(skin, size)
    if float(share.max()) < LEAST:
        return None
    lines = _means(fine.abs().mean(1, keepdim=True), size)
    whole = share >= min(WHOLE, float(share.max()))
    # Wrinkles and lids are no grain: of all patches the calmer half.
    begins = (whole & (lines <= lines[whole].median())).nonzero()
    across = (side + size) // step + 1
    drawn = torch.rand(across * across, generator=torch.Generator().manual_seed(0)).to(fine)
    y, x = begins[(drawn * len(begins)).long().clamp(max=len(begins) - 1)].T
    steps = torch.arange(size, device=fine.device)
    patches = fine[0][:, y[:, None, None] + steps[:, None], x[:, None, None] + steps]  # (3, N, size, size)
    bell = torch.hann_window(size, periodic=True, device=fine.device)
    window = torch.outer(bell, bell)
    large = (across + 1) * step
    total = F.fold(
        (patches * window).permute(0, 2, 3, 1).reshape(1, -1, across * across), large, kernel_size=size, stride=step
    )
    square = window.square().reshape(1, -1, 1).expand(1, -1, across * across)
    weight = F.fold(square, large, kernel_size=size, stride=step)
    return (total / weight.clamp(min=1e-3).sqrt())[..., step : step + side, step : step + side]


def _means(area: Tensor, size: int) -> Tensor:
    """Means of (1, 1, S, S) over all squares of ``size``, (S - size + 1, S - size + 1); along rows, then along columns."""
    return F.avg_pool2d(F.avg_pool2d(area, (size, 1), 1), (1, size), 1)[0, 0]


def _fine(picture: Tensor, where: Tensor, width: float) -> Tensor:
    """What of (1, 3, S, S) is finer than ``width`` pixels where (1, 1, S, S), 0 elsewhere."""
    return (picture - blurred(picture, where, width)) * where


def _rough(fine: Tensor, where: Tensor) -> Tensor:
    """The usual strength (1, 1, 1, 1) of fine lines, from the median, which hears no edges."""
    values = fine.mean(1, keepdim=True)[where > 0.5].abs()
    usual = 1.48 * values.median() if values.numel() else fine.new_zeros(())
    return usual.view(1, 1, 1, 1)
