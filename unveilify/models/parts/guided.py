"""The guided filter (He, Sun and Tang 2010): a smooth field takes over the edges of a picture."""

import torch
import torch.nn.functional as F
from torch import Tensor


def guided(guide: Tensor, field: Tensor, radius: int, eps: float) -> Tensor:
    """``field`` (B, 1, H, W) as a local linear function of the colours of ``guide`` (B, 3, H, W), both on 0…1.

    In every window of 2 ``radius`` + 1 pixels the coefficients are those of least squares, with ``eps`` as the
    penalty on the slopes (equations 11 and 12 and, for colours, 19 of the paper's journal version of 2013).
    """
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
    smooth = box(torch.cat([slope, offset], 1), radius)
    return (smooth[:, :3] * guide).sum(1, keepdim=True) + smooth[:, 3:]


def box(field: Tensor, radius: int) -> Tensor:
    """The mean over (2 radius + 1)² pixels, as far as they lie in the picture, in constant time per pixel."""
    for axis in (-2, -1):
        size = field.shape[axis]
        sums = F.pad(field.cumsum(axis), (1, 0) if axis == -1 else (0, 0, 1, 0))
        places = torch.arange(size, device=field.device)
        high, low = (places + radius + 1).clamp(max=size), (places - radius).clamp(min=0)
        count = (high - low).to(field.dtype)
        field = (sums.index_select(axis, high) - sums.index_select(axis, low)) / (
            count if axis == -1 else count[:, None]
        )
    return field
