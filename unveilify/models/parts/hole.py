"""From a found mask to the hole that is filled, and back over the photo."""

import torch
import torch.nn.functional as F
from torch import Tensor

FOUND = 0.4
"""Alpha from which on a pixel belongs to the mask: thin straps and shadows are found with less belief than cloth."""
EDGE = 0.015
"""Width of the hole's soft edge, as a share of the side."""


def soften(found: Tensor, widen: float) -> tuple[Tensor, Tensor]:
    """A found mask (B, 1, S, S), 0…1, widened by a share of the side -> (hole, alpha).

    The alpha is 1 on the widened mask and falls to 0 around it; the hole, 0 or 1, is where it is above 0.
    """
    side = found.shape[-1]
    reach, edge = round(widen * side), max(1, round(EDGE * side))
    wide = _grown((found > FOUND).float(), reach)
    hole = _grown(wide, edge)
    falling = F.avg_pool2d(wide, 2 * edge + 1, 1, edge, count_include_pad=False)
    return hole, torch.maximum(wide, falling * hole)


def laid_over(masked: Tensor, alpha: Tensor, fill: Tensor) -> Tensor:
    """``fill`` over the photo; where the alpha is 0 the photo is untouched, to the last bit."""
    return masked + alpha * (fill - masked)


def _grown(area: Tensor, reach: int) -> Tensor:
    """Everything within ``reach`` pixels, in a rounded square: three small steps are cheaper than a large one."""
    for step in (reach - 2 * (reach // 3), reach // 3, reach // 3):
        if step:
            area = F.max_pool2d(area, 2 * step + 1, 1, step)
    return area
