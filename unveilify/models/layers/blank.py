"""Take out what is in the hole: fill it from around it, so that nothing of the mask is left to be seen."""

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from unveilify.core.batch import to_bytes, to_tensor
from unveilify.models.layers.warp import gaussian

CONTINUED_PX, RADIUS = 128, 4.0
"""Side at which lines are continued into the hole, and how far around a pixel is looked at for it."""


def continued(picture: Tensor, hole: Tensor) -> Tensor:
    """(B, 3, S, S) in [-1, 1] with neck, hair and background continued into ``hole`` (B, 1, S, S); no gradient.

    Telea 2004, "An image inpainting technique based on the fast marching method", at a small side: a smear of everything
    around a sharp face gives it away, lines that go on do not.
    """
    side = picture.shape[-1]
    small = min(side, CONTINUED_PX)
    covered = F.interpolate(hole.float(), size=(small, small), mode="area") > 0
    shrunk = to_bytes(F.interpolate(picture.detach().float(), size=(small, small), mode="area"))
    holes = covered[:, 0].to(torch.uint8).cpu().numpy()
    pairs = zip(shrunk, holes, strict=True)
    filled = np.stack(
        [np.asarray(cv2.inpaint(np.ascontiguousarray(p), h, RADIUS, cv2.INPAINT_TELEA)) for p, h in pairs]
    )
    back = F.interpolate(
        to_tensor(filled.astype(np.uint8), picture.float()), size=(side, side), mode="bilinear", align_corners=False
    )
    return torch.where(hole > 0, back, picture)


def blank(picture: Tensor, hole: Tensor) -> Tensor:
    """(B, C, S, S) with everything where ``hole`` (B, 1, S, S) is above 0 replaced by colours from around it.

    Push and pull (Gortler et al. 1996, "The Lumigraph", section 3.4): means of what is known at ever coarser sides, and
    from the coarsest back, each filling only what the finer one does not know.
    """
    known = (hole <= 0).to(picture.dtype)
    return known * picture + (1 - known) * _filled(known * picture, known)


def going_on(apart: Tensor, know: Tensor, reaches: tuple[float, ...], there: Tensor | None = None) -> Tensor:
    """What is ``apart`` (B, 3, s, s) where it is known, going on into the rest and fading there, from wide to narrow. It fades
    with the distance from what is ``there``, known well or not."""
    change = torch.zeros_like(apart)
    for reach in reaches:
        width = reach * apart.shape[-1]
        near = gaussian(know, width)
        deep = ((near if there is None else gaussian(there, width)) / 0.4).clamp(max=1)
        change = change + deep * deep * (3 - 2 * deep) * gaussian((apart - change) * know, width) / near.clamp(min=1e-3)
    return change


def _filled(values: Tensor, known: Tensor) -> Tensor:
    """``values`` are already multiplied by ``known``, 0…1."""
    side = values.shape[-1]
    whole = values / known.clamp(min=1e-6)
    if side == 1:
        return whole
    coarse, share = (_halved(x) for x in (values, known))
    # What is known of a coarse pixel counts in full: else the rim's colours fade with every level.
    gain = share.clamp(max=0.25) * 4 / share.clamp(min=1e-6)
    below = _filled(coarse * gain, share * gain)
    back = F.interpolate(below, size=(side, side), mode="bilinear", align_corners=False)
    return known * whole + (1 - known) * back


def _halved(picture: Tensor) -> Tensor:
    """Means over two by two pixels, as `adaptive_avg_pool2d` gives them, which takes five times as long."""
    side = picture.shape[-1]
    if side % 2:
        return F.adaptive_avg_pool2d(picture, side // 2 + 1)
    rows = picture[..., ::2, :] + picture[..., 1::2, :]
    return (rows[..., ::2] + rows[..., 1::2]) / 4
