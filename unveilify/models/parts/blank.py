"""Take out what is in the hole: fill it smoothly from around it, so that nothing of the mask is left to be seen."""

import torch.nn.functional as F
from torch import Tensor


def blank(picture: Tensor, hole: Tensor) -> Tensor:
    """(B, C, S, S) with everything where ``hole`` (B, 1, S, S) is above 0 replaced by colours from around it.

    Push and pull (Gortler et al. 1996, "The Lumigraph", section 3.4): means of what is known at ever coarser sides, and
    from the coarsest back, each filling only what the finer one does not know.
    """
    known = (hole <= 0).to(picture.dtype)
    return known * picture + (1 - known) * _filled(known * picture, known)


def _filled(values: Tensor, known: Tensor) -> Tensor:
    """``values`` are already multiplied by ``known``, 0…1."""
    side = values.shape[-1]
    whole = values / known.clamp(min=1e-6)
    if side == 1:
        return whole
    half = -(-side // 2)
    coarse, share = (F.adaptive_avg_pool2d(x, half) for x in (values, known))
    # What is known of a coarse pixel counts in full: else the rim's colours fade with every level.
    gain = share.clamp(max=0.25) * 4 / share.clamp(min=1e-6)
    below = _filled(coarse * gain, share * gain)
    back = F.interpolate(below, size=(side, side), mode="bilinear", align_corners=False)
    return known * whole + (1 - known) * back
