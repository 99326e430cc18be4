"""One face with its mask, without it, and other photos of the person: what every stage from the shards on works with."""

from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from unveilify.core.landmarks import Points
from unveilify.core.records import Image


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample, as pictures in 0…255; `core.batch.Batch` is the same for a network.

    ``masked``, ``unmasked`` and each of ``identity``: (S, S, 3) RGB; ``alpha``: (S, S), the hole is where it is above
    0. ``real`` of the identity images are different photos, the rest repeats. Of a real masked photo nobody knows the
    truth: ``unmasked`` is the masked picture itself, and ``alpha`` is empty.

    ``landmarks`` are those of the unmasked picture, of the masked one as they are found there, and of each identity
    image, (N, D) each in shares of the side (`core.landmark_rows.shares`); NaN or None where unknown.

    Where a network is measured, ``stranger`` is a sample of somebody else, whose identity images are handed over as a
    control, and ``others`` are photos of the person that no network is given.
    """

    key: str
    person: str
    masked: Image
    unmasked: Image
    alpha: Image
    identity: tuple[Image, ...]
    real: int
    landmarks: tuple[Points | None, ...]
    meta: dict[str, Any] = field(default_factory=dict)
    stranger: "Sample | None" = None
    others: tuple[Image, ...] = ()

    @property
    def hole(self) -> npt.NDArray[np.bool_]:
        """Where the mask added anything."""
        return np.asarray(self.alpha > 0)

    def given(self, most: int | None) -> "Sample":
        """The same sample with its different identity images alone, and at most so many of them."""
        count = self.real if most is None else min(self.real, most)
        return replace(self, identity=self.identity[:count], real=count, landmarks=self.landmarks[: 2 + count])

    def with_stranger(self) -> "Sample":
        """The same sample with the stranger's identity images in place of the person's own; with none if there are none."""
        other = self.stranger
        identity, real, points = ((), 0, ()) if other is None else (other.identity, other.real, other.landmarks[2:])
        return replace(self, identity=identity, real=real, landmarks=(*self.landmarks[:2], *points), stranger=None)

    def sized(self, size_px: int) -> "Sample":
        """The same sample with all its pictures at another size."""
        return replace(
            self,
            masked=resize(self.masked, size_px),
            unmasked=resize(self.unmasked, size_px),
            alpha=resize(self.alpha, size_px),
            identity=tuple(resize(photo, size_px) for photo in self.identity),
            stranger=None if self.stranger is None else self.stranger.sized(size_px),
            others=tuple(resize(photo, size_px) for photo in self.others),
        )


def resize(image: Image, size_px: int) -> Image:
    """A square picture or alpha at another size: area averages when it shrinks, bicubic when it grows."""
    side = image.shape[0]
    if side == size_px:
        return image
    how = cv2.INTER_AREA if size_px < side else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (size_px, size_px), interpolation=how), np.uint8)
