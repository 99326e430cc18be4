"""Differentiable augmentation of what the discriminator sees (Zhao et al. 2020, section 3.2 and appendix).

With few people the discriminator learns the true pictures by heart. Here it sees every picture, true or made,
only through a random transform; because the transform is differentiable the generator is still told what to
change, and because true and made pictures go through the same one it never learns to make the transform.

One transform is drawn for every sample of a step and serves all calls of that step. It comes from (seed, step)
and the sample's place in the whole batch, so that a resumed run, or one of several processes, draws the same.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unveilify.models.contract import Batch

NUMBERS = 7
"""Random numbers of one sample: brightness, saturation, contrast, shift (2), centre of the cut (2)."""
SHIFT = 1 / 8
CUT = 1 / 2
_STREAM = 0xD1FF


def draw(seed: int, step: int, count: int) -> Tensor:
    """(count, 7) numbers in [0, 1) for the samples of one step."""
    return torch.from_numpy(np.random.default_rng([_STREAM, seed, step]).random((count, NUMBERS), np.float32))


class Augmented(nn.Module):
    """A discriminator behind a transform of each of the B samples; ``numbers`` are (B, 7) in [0, 1).

    Translation moves the pictures of the batch along, so that what belongs together stays together; colour and
    cutout change the judged picture alone.
    """

    def __init__(self, discriminator: nn.Module, kinds: tuple[str, ...], numbers: Tensor) -> None:
        super().__init__()
        self.discriminator, self.kinds, self.numbers = discriminator, kinds, numbers

    def forward(self, image: Tensor, batch: Batch) -> Tensor:
        """What the discriminator says of the transformed (B, 3, S, S)."""
        if "colour" in self.kinds:
            image = colour(image, self.numbers[:, :3])
        if "translation" in self.kinds:
            move = self.numbers[:, 3:5]
            image, batch = shift(image, move), _shifted(batch, move)
        if "cutout" in self.kinds:
            image = cut(image, self.numbers[:, 5:7])
        verdict: Tensor = self.discriminator(image, batch)
        return verdict


def colour(x: Tensor, numbers: Tensor) -> Tensor:
    """Brightness ± 0.5, saturation × 0…2, contrast × 0.5…1.5 of (B, 3, S, S) in [-1, 1]; not clamped."""
    brightness, saturation, contrast = numbers[:, :, None, None, None].unbind(1)
    x = x + (brightness - 0.5)
    grey = x.mean(1, keepdim=True)
    x = grey + (x - grey) * (2 * saturation)
    middle = x.mean((1, 2, 3), keepdim=True)
    return middle + (x - middle) * (0.5 + contrast)


def shift(x: Tensor, numbers: Tensor) -> Tensor:
    """Move (B, C, S, S) by whole pixels, up to an eighth of the side each way; zeros come in."""
    count, channels, size = x.shape[:3]
    most, moves = round(size * SHIFT), _pixels(numbers, size)
    padded = F.pad(x, (most,) * 4)
    places = torch.arange(size, device=x.device) + most
    rows, columns = (places[None] - moves[:, i, None] for i in range(2))
    samples = torch.arange(count, device=x.device)[:, None, None, None]
    planes = torch.arange(channels, device=x.device)[None, :, None, None]
    return padded[samples, planes, rows[:, None, :, None], columns[:, None, None, :]]


def _pixels(numbers: Tensor, size: int) -> Tensor:
    """How far (B, 2) in [0, 1) move the content down and to the right, in whole pixels."""
    most = round(size * SHIFT)
    return (numbers * (2 * most + 1)).long() - most


def cut(x: Tensor, numbers: Tensor) -> Tensor:
    """Blank a square of half the side of (B, C, S, S), centred anywhere in the picture."""
    size = x.shape[-1]
    places = torch.arange(size, device=x.device)
    centres = (numbers * size).long()
    rows, columns = ((places[None] - centres[:, i, None]).abs() < size * CUT / 2 for i in range(2))
    return x * ~(rows[:, None, :, None] & columns[:, None, None, :])


def _shifted(batch: Batch, move: Tensor) -> Batch:
    assert batch.unmasked is not None
    k = batch.identity.shape[1]
    identity = shift(batch.identity.flatten(1, 2), move).unflatten(1, (k, 3))  # type: ignore[no-untyped-call]
    masked, unmasked, hole = (shift(x, move) for x in (batch.masked, batch.unmasked, batch.hole))
    moved = replace(batch, masked=masked, unmasked=unmasked, hole=hole, identity=identity)
    return replace(moved, **_moved_landmarks(batch, move))


def _moved_landmarks(batch: Batch, move: Tensor) -> dict[str, Any]:
    """The landmarks where `shift` takes what they lie on."""
    size = batch.masked.shape[-1]
    away = _pixels(move, size).flip(1) / size
    found = {}
    for name in ("landmarks", "identity_landmarks", "unmasked_landmarks"):
        points = getattr(batch, name)
        if points is not None:
            step = F.pad(away, (0, points.shape[-1] - 2))
            found[name] = points + step.view(len(step), *(1,) * (points.ndim - 2), -1)
    return found
