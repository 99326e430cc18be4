"""Small pieces that several networks share."""

from contextlib import AbstractContextManager, nullcontext

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def scaled(channels: int, width: float) -> int:
    """``channels`` times the width multiplier, as a multiple of 8 and at least 8."""
    return max(8, round(channels * width / 8) * 8)


def norm(channels: int) -> nn.GroupNorm:
    """Group normalisation (Wu & He 2018) with 8 or more channels per group, at most 32 groups.

    It stands where the originals have batch normalisation: its result for a picture does not depend on the
    others in the batch, so that it is the same at batch 1, in training and in use, on one device or many.
    """
    return nn.GroupNorm(min(32, channels // 8), channels)


def channel_norm(channels: int, *, affine: bool = False) -> nn.GroupNorm:
    """Instance normalisation (Ulyanov et al. 2016), as group normalisation with one channel per group.

    The same numbers as of ``nn.InstanceNorm2d``, which copies every channels-last map: a sixth of a step on a CPU.
    """
    return nn.GroupNorm(channels, channels, affine=affine)


def conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1, *, bias: bool = True) -> nn.Conv2d:
    """A same-padded convolution with He initialisation for LeakyReLU(0.2) (He et al. 2015, eq. 15)."""
    layer = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=bias)
    nn.init.kaiming_normal_(layer.weight, a=0.2)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def initialise_normal(layer: nn.Module) -> None:
    """For ``nn.Module.apply``: the initial weights of pix2pix (Isola et al. 2017, section 6.2), N(0, 0.02), no bias."""
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.normal_(layer.weight, std=0.02)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


def exact(x: Tensor) -> Tensor:
    """``x`` in at least float32: under autocast, sums of many terms and pictures must not stay in bfloat16."""
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x


def full_precision(x: Tensor) -> AbstractContextManager[object]:
    """Suspends autocast on the device of ``x`` (which the meta device does not know)."""
    return nullcontext() if x.is_meta else torch.autocast(x.device.type, enabled=False)


def upsampled(x: Tensor) -> Tensor:
    """(B, C, R, R) -> (B, C, 2R, 2R), bilinear."""
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def identity_mean(codes: Tensor, real: Tensor) -> Tensor:
    """Mean of (B, K, ...) over the first ``real[b]`` of K; zeros where ``real[b]`` is 0."""
    keep = torch.arange(codes.shape[1], device=codes.device)[None, :] < real[:, None]
    keep = keep.to(codes.dtype).reshape(*keep.shape, *[1] * (codes.ndim - 2))
    return (codes * keep).sum(1) / keep.sum(1).clamp(min=1)
