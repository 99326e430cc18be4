"""The guided filter (He, Sun and Tang 2010): a smooth field takes over the edges of a picture."""

import torch
import torch.nn.functional as F
from torch import Tensor

from unveilify.models.layers.warp import resize

WORK_PX = 256
"""Side at which the coefficients are worked out; they are smooth, so larger pictures take enlarged ones."""


def guided(guide: Tensor, field: Tensor, reach: float, eps: float) -> Tensor:
    """``field`` (B, 1, L, L) as a local linear function of the colours of ``guide`` (B, 3, S, S): (B, 1, S, S).

    Both are on 0…1. ``reach`` is how far a window reaches to each side, as a share of the side. In every window the
    coefficients are those of least squares, with ``eps`` as the penalty on the slopes (equations 11 and 12 and, for
    colours, 19 of the paper's journal version of 2013), worked out on reduced pictures (He and Sun 2015, "Fast
    guided filter").
    """
    side = guide.shape[-1]
    # An exported graph has one such side, and says that it takes no smaller pictures.
    small = resize(guide, WORK_PX if torch.compiler.is_exporting() else min(side, WORK_PX))
    smooth = _coefficients(small, resize(field, small.shape[-1]), max(1, round(reach * small.shape[-1])), eps)
    smooth = resize(smooth, side)
    return (smooth[:, :3] * guide).sum(1, keepdim=True) + smooth[:, 3:]


def _coefficients(guide: Tensor, field: Tensor, radius: int, eps: float) -> Tensor:
    """Slopes on the three colours and offset, (B, 4, H, W), each the mean over the windows that a pixel lies in."""
    mean_guide, mean_field = box(guide, radius), box(field, radius)
    cross = box(guide * field, radius) - mean_guide * mean_field
    pairs = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]
    products = torch.cat([guide[:, i : i + 1] * guide[:, j : j + 1] for i, j in pairs], 1)
    means = torch.cat([mean_guide[:, i : i + 1] * mean_guide[:, j : j + 1] for i, j in pairs], 1)
    a, b, c, d, e, f = (box(products, radius) - means).unbind(1)
    a, d, f = a + eps, d + eps, f + eps
    # The symmetric 3×3 system [[a, b, c], [b, d, e], [c, e, f]] slope = cross, by cofactors.
    minors = torch.stack([d * f - e * e, c * e - b * f, b * e - c * d, a * f - c * c, b * c - a * e, a * d - b * b], 1)
    p, q, r, s, t, u = minors.unbind(1)
    x, y, z = cross.unbind(1)
    slope = torch.stack([p * x + q * y + r * z, q * x + s * y + t * z, r * x + t * y + u * z], 1)
    slope = slope / (a * p + b * q + c * r)[:, None]
    offset = mean_field - (slope * mean_guide).sum(1, keepdim=True)
    return box(torch.cat([slope, offset], 1), radius)


def box(field: Tensor, radius: int) -> Tensor:
    """The mean over (2 radius + 1)² pixels, as far as they lie in the picture, in constant time per pixel."""
    width = 2 * radius + 1
    for axis in (-1, -2):
        around = (radius + 1, radius) if axis == -1 else (0, 0, radius + 1, radius)
        sums = F.pad(field, around).cumsum(axis)
        size = field.shape[axis]
        places = torch.arange(size, device=field.device)
        count = (places + radius).clamp(max=size - 1) - (places - radius).clamp(min=0) + 1
        inside = sums.narrow(axis, width, size) - sums.narrow(axis, 0, size)
        field = inside / (count if axis == -1 else count[:, None])
    return field
