"""Samples as tensors, and pictures as tensors and back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from unveilify.core.landmark_rows import alike
from unveilify.core.landmarks import Points
from unveilify.core.records import Image
from unveilify.core.sample import Sample, resize

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Batch:
    """B samples at S×S pixels, on one device.

    Pictures are float RGB in [-1, 1]. As the shards' stream gives them they are still bytes, 0…255, and `floats`
    makes them so.

    ``masked`` (B, 3, S, S); ``identity`` (B, K, 3, S, S), of which the first ``real[b]`` are different
    photos and the rest repeats (``real`` is (B,) int64; 0: there is no identity image); ``hole``
    (B, 1, S, S) in [0, 1], the drawn mask's true alpha; ``unmasked`` (B, 3, S, S), or None outside
    training and evaluation. ``inside`` (B, 1, S, S), 0 where a face crop lies outside its photo and repeats its border, so
    that there is no truth, else 1; None where that is not known.

    ``landmarks`` (B, N, D) are those found on the masked picture, ``identity_landmarks`` (B, K, N, D) those of each
    identity image, ``unmasked_landmarks`` (B, N, D) the true ones, in training and evaluation alone. They are float32
    shares of the picture's side (`core.landmark_rows.shares`: x and y from 0 at one edge to 1 at the other, and depth
    where D is 3), so that they hold at any size; N says the scheme. NaN where unknown, None where all are.

    ``keys`` name the samples. ``stranger`` is the same batch with somebody else's identity images, where a sample has
    such for the control.
    """

    masked: Tensor
    identity: Tensor
    real: Tensor
    hole: Tensor
    unmasked: Tensor | None = None
    inside: Tensor | None = None
    landmarks: Tensor | None = None
    identity_landmarks: Tensor | None = None
    unmasked_landmarks: Tensor | None = None
    keys: tuple[str, ...] = ()
    stranger: "Batch | None" = None

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> "Batch":
        """Samples of one size, as floats on the CPU.

        Where a sample has fewer identity images than the batch's most, the first repeats; with none, zeros (mid-grey)
        stand in. The first known landmarks say the scheme; what is of another is NaN.
        """
        most = max([1, *(len(s.identity) for s in samples)])
        photos = [_filled(s.identity or (np.full_like(s.masked, 128),), most) for s in samples]
        like = next((s.landmarks[1] for s in samples if s.landmarks[1] is not None), None)
        rows = [[*s.landmarks[:2], *_filled(s.landmarks[2:] or (None,), most)] for s in samples]
        points = None if like is None else _points(rows, like)
        return cls(
            masked=_planes([s.masked for s in samples]),
            identity=torch.stack([_planes(images) for images in photos]),
            real=torch.tensor([s.real for s in samples], dtype=torch.int64),
            hole=_planes([s.alpha[..., None] for s in samples]),
            unmasked=_planes([s.unmasked for s in samples]),
            landmarks=None if points is None else points[:, 1],
            identity_landmarks=None if points is None else points[:, 2:],
            unmasked_landmarks=None if points is None else points[:, 0],
            keys=tuple(s.key for s in samples),
            stranger=cls.of([s.with_stranger() for s in samples]) if any(s.stranger for s in samples) else None,
        ).floats("cpu")

    def __len__(self) -> int:
        return self.masked.shape[0]

    @property
    def size_px(self) -> int:
        """S."""
        return self.masked.shape[-1]

    def floats(self, device: torch.device | str) -> "Batch":
        """Bytes 0…255 to floats, converted on the device; where there is no identity image, zeros stand in."""

        def picture(tensor: Tensor) -> Tensor:
            return tensor.to(device, non_blocking=True).float().div_(127.5).sub_(1)

        there = self.to(device, non_blocking=True)
        return replace(
            there,
            masked=picture(there.masked),
            unmasked=None if there.unmasked is None else picture(there.unmasked),
            identity=picture(there.identity) * (there.real > 0)[:, None, None, None, None],
            hole=there.hole.float().div_(255),
            inside=None if there.inside is None else there.inside.float().div_(255),
        )

    def sized(self, size_px: int) -> "Batch":
        """The same batch at another size, by way of bytes; on the CPU, unless it has that size."""
        if size_px == self.size_px:
            return self

        def again(pictures: Tensor) -> Tensor:
            rows = to_bytes(pictures.flatten(0, -4))
            return to_floats([resize(row, size_px) for row in rows]).view(*pictures.shape[:-2], size_px, size_px)

        return replace(
            self.to("cpu"),
            masked=again(self.masked),
            unmasked=None if self.unmasked is None else again(self.unmasked),
            identity=again(self.identity) * (self.real.cpu() > 0)[:, None, None, None, None],
            hole=resized_alpha(self.hole, size_px),
            inside=None if self.inside is None else resized_alpha(self.inside, size_px),
            stranger=None if self.stranger is None else self.stranger.sized(size_px),
        )

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> "Batch":
        """The same batch on ``device``."""
        return self._each(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> "Batch":
        """The same in page-locked memory; torch's loader calls it."""
        return self._each(lambda tensor: tensor.pin_memory())

    def first(self, count: int) -> "Batch":
        """Its first ``count`` samples."""
        return replace(self._each(lambda tensor: tensor[:count]), keys=self.keys[:count])

    def pick(self, which: list[int]) -> "Batch":
        """These of its samples."""
        return replace(self._each(lambda tensor: tensor[which]), keys=tuple(self.keys[i] for i in which if self.keys))

    def without_identity(self) -> "Batch":
        """The same batch as if nobody had given an identity image."""
        points = self.identity_landmarks
        return replace(
            self,
            identity=torch.zeros_like(self.identity),
            real=torch.zeros_like(self.real),
            identity_landmarks=None if points is None else torch.full_like(points, torch.nan),
        )

    def with_strangers(self) -> "Batch":
        """The same batch with somebody else's identity images: ``stranger``, or else each is handed to the next sample."""
        if self.stranger is not None:
            return self.stranger
        points = self.identity_landmarks
        return replace(
            self,
            identity=self.identity.roll(1, 0),
            real=self.real.roll(1, 0),
            identity_landmarks=None if points is None else points.roll(1, 0),
        )

    def _each(self, change: Callable[[Tensor], Tensor]) -> "Batch":
        there = {part.name: getattr(self, part.name) for part in fields(self)}
        changed: dict[str, Any] = {name: change(value) for name, value in there.items() if isinstance(value, Tensor)}
        return replace(self, **changed, stranger=None if self.stranger is None else self.stranger._each(change))


def to_bytes(images: Tensor) -> Image:
    """(B, C, S, S) in [-1, 1] -> (B, S, S, C) uint8; clamped and rounded."""
    scaled = (images.detach().float().clamp(-1, 1) + 1) * 127.5
    return np.ascontiguousarray(scaled.round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy())


def to_tensor(images: Image, like: Tensor) -> Tensor:
    """(B, S, S, C) uint8 -> (B, C, S, S) in [-1, 1], on the device and in the type of ``like``."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).to(like) / 127.5 - 1


def to_floats(images: Sequence[Image]) -> Tensor:
    """B times (S, S, C) uint8 -> (B, C, S, S) in [-1, 1], on the CPU."""
    return _planes(images).float().div_(127.5).sub_(1)


def alpha_bytes(alpha: Tensor) -> Image:
    """(B, 1, S, S) in [0, 1] -> (B, S, S) uint8."""
    return np.asarray(np.rint(255 * alpha[:, 0].float().cpu().numpy()), np.uint8)


def resized_alpha(alpha: Tensor, size_px: int) -> Tensor:
    """(B, 1, S, S) in [0, 1] at another size, by way of bytes; on the CPU."""
    return _planes([resize(row, size_px)[..., None] for row in alpha_bytes(alpha)]).float().div_(255)


def _planes(images: Sequence[Image]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(np.stack(images).transpose(0, 3, 1, 2)))


def _points(rows: Sequence[Sequence[Points | None]], like: Points) -> Tensor:
    return torch.from_numpy(np.stack([np.stack([alike(p, like) for p in row]) for row in rows]).astype(np.float32))


def _filled(things: Sequence[T], most: int) -> list[T]:
    return [*things, *[things[0]] * most][:most]
