"""Photos of other cameras and cutters: strong changes of frame, colour, sharpness and compression.

Shards often come from one studio, and the photos a network meets do not. Masked and unmasked picture go
through the same changes, and outside the hole they stay equal to the last bit; inside it the unmasked one is not
compressed, since nobody wants blocks painted. Every identity image goes through changes of its own. Nothing moves, so
landmarks hold. What is drawn
depends on (seed, position in the training) alone: not on ranks, workers or interruptions.
"""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from unveilify.models.contract import Batch

BRIGHTNESS, CONTRAST, SATURATION, HUE = 0.3, 1.5, 1.6, 0.06
"""Most that is added on [-1, 1]; most that chroma or contrast is multiplied or divided by; most of a turn of hue."""
BLURRED, BLUR = 0.4, 1 / 100
"""Share of pictures, and the largest sigma as a share of the side."""
COMPRESSED, QUALITIES = 0.5, (30.0, 95.0)
"""Share of pictures, and the range of qualities as in JPEG."""
CUT, MARGIN = 0.5, 0.3
"""Share of photos that were cut tightly, and the most of the side that is missing at each edge."""

NUMBERS = 13
_STREAM = 0xCA3E
_TO_YCC = torch.tensor([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])
"""RGB to luma and two chromas (ITU-R BT.601)."""


def augment(batch: Batch, seed: int, position: int) -> Batch:
    """The batch as other cameras would have seen it; ``position`` is its first sample's in the whole training."""
    assert batch.unmasked is not None
    count, k = batch.identity.shape[:2]
    numbers = draw(seed, position, count, 1 + k).to(batch.masked.device, non_blocking=True)
    pictures = torch.cat([batch.unmasked, batch.masked, batch.identity.flatten(0, 1)])
    every = torch.cat([numbers[:, 0], numbers[:, 0], numbers[:, 1:].flatten(0, 1)])
    taken = seen(pictures, every)
    hole, clean = cut(batch.hole, numbers[:, 0]), cut(taken[:count], numbers[:, 0])
    inside = torch.ones_like(batch.hole) if batch.inside is None else batch.inside
    around, masked, identity = torch.split(cut(compressed(taken, every), every), [count, count, count * k])
    # Blur and blocks carry the mask a few pixels out of the hole, where the two pictures must agree.
    masked, unmasked = (torch.where(hole > 0, x, around) for x in (masked, clean))
    identity = identity.view_as(batch.identity) * (batch.real > 0)[:, None, None, None, None]
    return replace(
        batch,
        masked=masked,
        unmasked=unmasked,
        identity=identity,
        hole=hole,
        inside=inside * kept(numbers[:, 0], batch.size_px),
    )


def draw(seed: int, position: int, count: int, pictures: int) -> Tensor:
    """(count, pictures, 13) numbers in [0, 1); each sample's depend on its own position alone."""
    rows = [
        np.random.default_rng([_STREAM, seed, position + i]).random((pictures, NUMBERS), np.float32)
        for i in range(count)
    ]
    return torch.from_numpy(np.stack(rows))


def seen(x: Tensor, numbers: Tensor) -> Tensor:
    """(N, 3, S, S) in [-1, 1] and (N, 13) in [0, 1) -> the same range: optics and colour."""
    brightness, contrast, saturation, hue, blurs, sigma = numbers[:, :6].unbind(1)
    x = blur(x, torch.where(blurs < BLURRED, sigma * BLUR * x.shape[-1], 0.0))
    x = colours(x, BRIGHTNESS * (2 * brightness - 1), _power(CONTRAST, contrast), _turned(saturation, hue))
    return x.clamp(-1, 1)


def compressed(x: Tensor, numbers: Tensor) -> Tensor:
    """Some of (N, 3, S, S) in [-1, 1] with losses like JPEG's, as ``numbers`` (N, 13) say."""
    compresses, quality = numbers[:, 6:8].unbind(1)
    low, high = QUALITIES
    # At quality 100 the steps are so small that nothing is lost.
    return compress(x, torch.where(compresses < COMPRESSED, low + (high - low) * quality, 100.0)).clamp(-1, 1)


def cut(x: Tensor, numbers: Tensor) -> Tensor:
    """(N, C, S, S) as the face crop of a tightly cut photo: what is missing repeats the last row or column.

    The last five of ``numbers`` (N, 13) say whether, and how much at the left, right, upper and lower edge.
    """
    size = x.shape[-1]
    left, right, upper, lower = _margins(numbers, size)
    places = torch.arange(size, device=x.device)
    columns = torch.minimum(torch.maximum(places, left), size - 1 - right)
    rows = torch.minimum(torch.maximum(places, upper), size - 1 - lower)
    x = torch.gather(x, 2, rows[:, None, :, None].expand(x.shape))
    return torch.gather(x, 3, columns[:, None, None, :].expand(x.shape))


def kept(numbers: Tensor, size: int) -> Tensor:
    """(N, 1, S, S): 1 where `cut` leaves a picture as it is, 0 where it repeats a row or column."""
    left, right, upper, lower = _margins(numbers, size)
    places = torch.arange(size, device=numbers.device)
    columns = (places >= left) & (places <= size - 1 - right)
    rows = (places >= upper) & (places <= size - 1 - lower)
    return (rows[:, :, None] & columns[:, None]).float()[:, None]


def _margins(numbers: Tensor, size: int) -> list[Tensor]:
    """Pixels (N, 1) that are cut off at the left, right, upper and lower edge."""
    cuts, *margins = numbers[:, 8:].unbind(1)
    return [(torch.where(cuts < CUT, MARGIN * m, 0.0) * size).long()[:, None] for m in margins]


def colours(x: Tensor, added: Tensor, times: Tensor, chroma: Tensor) -> Tensor:
    """``chroma`` (N, 2, 2) acts on the two chromas, ``times`` (N,) and ``added`` (N,) on everything."""
    to_ycc = _TO_YCC.to(x.device)
    whole = torch.zeros(len(x), 3, 3, device=x.device)
    whole[:, 0, 0], whole[:, 1:, 1:] = 1, chroma
    matrix = times[:, None, None] * (torch.linalg.inv(_TO_YCC).to(x.device) @ whole @ to_ycc)
    return torch.einsum("nij,njhw->nihw", matrix, x) + added[:, None, None, None]


def blur(x: Tensor, sigma: Tensor) -> Tensor:
    """Gaussian blur of (N, C, S, S), each picture with its own ``sigma`` (N,) in pixels; 0 leaves it as it is."""
    count, channels, size = x.shape[:3]
    reach = max(1, int(3 * BLUR * size))
    places = torch.arange(-reach, reach + 1, device=x.device)
    bells = torch.exp(-0.5 * (places / sigma.clamp(min=1e-3)[:, None]).square())
    kernel = (bells / bells.sum(1, keepdim=True)).repeat_interleave(channels, 0)[:, None]
    flat = F.pad(x.reshape(1, count * channels, size, size), (reach,) * 4, mode="replicate")
    flat = F.conv2d(flat, kernel[:, :, :, None], groups=count * channels)
    return F.conv2d(flat, kernel[:, :, None], groups=count * channels).view_as(x)


def compress(x: Tensor, quality: Tensor) -> Tensor:
    """Noise like JPEG's: the cosine coefficients of 8×8 blocks of luma and chroma, rounded (ITU-T T.81, A.3.3-4).

    (N, 3, S, S) in [-1, 1]; ``quality`` (N,) in (0, 100]. The steps grow with the frequency about as in the
    standard's example tables, and with the quality as in libjpeg.
    """
    size = x.shape[-1]
    x = F.pad(x, (0, -size % 8, 0, -size % 8), mode="replicate")
    cosines = _cosines().to(x.device)
    ycc = torch.einsum("ij,njhw->nihw", _TO_YCC.to(x.device), x)
    down = cosines @ ycc.unflatten(2, (-1, 8))  # type: ignore[no-untyped-call]
    coefficients = down.unflatten(4, (-1, 8)) @ cosines.T
    waves = torch.arange(8, device=x.device)
    table = (10 + 6 * (waves[:, None] + waves)) * torch.tensor([1.0, 2.0, 2.0], device=x.device)[:, None, None]
    share = torch.where(quality < 50, 50 / quality, 2 - quality / 50)
    # One step of the tables is one level of 255; pictures here span 2.
    step = (share[:, None, None, None] * table).clamp(min=1)[:, :, None, :, None] * (2 / 255)
    down = (torch.round(coefficients / step) * step @ cosines).flatten(4)
    ycc = (cosines.T @ down).view_as(ycc)
    return torch.einsum("ij,njhw->nihw", torch.linalg.inv(_TO_YCC).to(x.device), ycc)[:, :, :size, :size]


def _turned(saturation: Tensor, hue: Tensor) -> Tensor:
    """(N, 2, 2): the chroma plane turned and stretched."""
    angle, length = 2 * torch.pi * HUE * (2 * hue - 1), _power(SATURATION, saturation)
    a, b = length * angle.cos(), length * angle.sin()
    return torch.stack([torch.stack([a, -b], 1), torch.stack([b, a], 1)], 1)


def _power(most: float, number: Tensor) -> Tensor:
    """From 1 / most to most, 1 in the middle."""
    return torch.exp(np.log(most) * (2 * number - 1))


@lru_cache(maxsize=1)
def _cosines() -> Tensor:
    """The orthonormal 8×8 cosine transform (DCT-II)."""
    n = torch.arange(8, dtype=torch.float64)
    matrix = torch.cos(torch.pi * (2 * n + 1) * n[:, None] / 16) / 2
    matrix[0] /= 2**0.5
    return matrix.float()
