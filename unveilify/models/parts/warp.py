"""Carry pixels of a reference photo to where they belong: bounded flow, analytic colour match, weighing.

A flow is in units of half the picture's side (torch's [-1, 1]), so that it means the same at any size. It
is bounded by a tanh: an unbounded one runs away to the border and lets a colour term do the work.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

EYES = (slice(0.22, 0.44), slice(0.2, 0.8))
"""Rows and columns, as shares of the side, that a mask seldom covers: both photos show skin there."""


def match_colour(reference: Tensor, masked: Tensor) -> Tensor:
    """Give each reference the mean and deviation, per channel, of the masked photo around the eyes.

    (B, K, 3, S, S), (B, 3, S, S) -> (B, K, 3, S, S). The deviation's ratio is held within 0.5…2. Nothing is
    learned here on purpose: a learned colour term grows into a way around the warp.
    """
    side = masked.shape[-1]
    rows, columns = (slice(int(s.start * side), int(s.stop * side)) for s in EYES)
    source, target = reference[..., rows, columns].float(), masked[:, None, :, rows, columns].float()
    deviation, mean = torch.std_mean(source, (-2, -1), keepdim=True)
    wanted_deviation, wanted_mean = torch.std_mean(target, (-2, -1), keepdim=True)
    ratio = (wanted_deviation / deviation.clamp(min=1e-3)).clamp(0.5, 2.0)
    return (reference - mean) * ratio + wanted_mean


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
    if field.shape[-1] == side:
        return field.float()
    smaller = side < field.shape[-1]
    return F.interpolate(field.float(), size=(side, side), mode="bilinear", antialias=smaller)


def fine_detail(picture: Tensor) -> Tensor:
    """What the mean over 5×5 pixels, as far as they lie in the picture, takes away from (N, C, H, W): skin, hair, edges.

    No padding by repetition: torch.compile is wrong about the layout of its gradient on a CPU.
    """
    return picture - F.avg_pool2d(picture, 5, 1, 2, count_include_pad=False)
