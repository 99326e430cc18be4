"""Move pixels by a flow, and fields to another size.

A flow is in units of half the picture's side (torch's [-1, 1]), so that it means the same at any size.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def warp(pictures: Tensor, flow: Tensor) -> Tensor:
    """Sample (N, C, H, W) at each pixel's own place plus ``flow`` (N, 2, h, w), enlarged to (H, W) first."""
    height, width = pictures.shape[-2:]
    if flow.shape[-2:] != (height, width):
        flow = resize(flow, height)
    identity = torch.eye(2, 3, device=flow.device)[None].expand(len(flow), 2, 3)
    grid = F.affine_grid(identity, [len(flow), 1, height, width], align_corners=False)
    return sampled(pictures, grid + flow.float().permute(0, 2, 3, 1))


def sampled(pictures: Tensor, place: Tensor) -> Tensor:
    """(N, C, H, W) at each ``place`` (N, h, w, 2), x and y in [-1, 1] from edge to edge; the border goes on outside.

    A place that is no number gives NaN. `grid_sample` itself reads memory that is not the picture's there, and may
    end the process.
    """
    known = place.isfinite().all(-1)[:, None]
    found = F.grid_sample(pictures.float(), place.nan_to_num(0, 0, 0), padding_mode="border", align_corners=False)
    return torch.where(known, found, torch.nan)


def resize(field: Tensor, side: int) -> Tensor:
    """A smooth field (N, C, h, w) at side × side, bilinear; antialiased where it becomes smaller."""
    if torch.compiler.is_exporting():  # one graph for all sides: where nothing becomes smaller, this is the same
        return F.interpolate(field.float(), size=(side, side), mode="bilinear", antialias=True)
    if field.shape[-1] == side:
        return field.float()
    smaller = side < field.shape[-1]
    return F.interpolate(field.float(), size=(side, side), mode="bilinear", antialias=smaller)


def blurred(picture: Tensor, where: Tensor, width: float, least: float = 1e-3) -> Tensor:
    """Means (N, C, s, s) as of `gaussian`, of what lies where (N, 1, s, s) alone; where less than ``least`` of that
    is near they fade."""
    return gaussian(picture * where, width) / gaussian(where, width).clamp(min=least)


def gaussian(picture: Tensor, width: float) -> Tensor:
    """Means (N, C, s, s) under a Gaussian of standard deviation ``width`` pixels; as matrices, for wide pools are slow."""
    pixel = torch.arange(picture.shape[-1], device=picture.device, dtype=picture.dtype)
    bell = torch.exp(-0.5 * ((pixel - pixel[:, None]) / width).square())
    bell = bell / bell.sum(1, keepdim=True)
    means: Tensor = bell @ picture @ bell.T
    return means
