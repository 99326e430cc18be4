"""A camera of any kind, and the frame that a face is cut to."""

from dataclasses import dataclass

import cv2
import numpy as np

from unveilify.core.records import Image
from unveilify.training.wild.layers import Floats, Rng, softened

COARSEST_PX = 44
"""Least side of a face crop in the pixels of its photo: faces narrower than about 25 px are nobody's concern."""


@dataclass(frozen=True, slots=True)
class Camera:
    """One photo's frame, light, colours, sharpness and compression; two pictures of a scene go through the same."""

    matrix: Floats
    margins: tuple[int, int, int, int]
    curve: float
    gains: Floats
    added: float
    grey: float
    light: Floats
    side: int
    blur: float
    noise: float
    quality: int | None
    enlarged: int
    seed: int

    @classmethod
    def draw(cls, rng: Rng, size: int) -> "Camera":
        """A random camera for pictures of ``size`` pixels."""
        angle, scale = np.degrees(rng.normal(0, 0.04) * rng.choice([1, 4], p=[0.8, 0.2])), np.exp(rng.normal(0, 0.06))
        shift = np.array([[0, 0, 1]]) * rng.normal(0, 0.02, (2, 1)) * size
        matrix = cv2.getRotationMatrix2D((size / 2, 0.55 * size), angle, float(scale)) + shift
        cut = rng.random() < 0.4
        margins = tuple(int(size * rng.uniform(0, 0.25)) * cut for _ in range(4))
        y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size - 0.5
        turn, steep = rng.uniform(0, 2 * np.pi), rng.uniform(0, 1.4) * (rng.random() < 0.4)
        light = np.exp(steep * np.tanh(rng.uniform(1, 5) * (np.cos(turn) * x + np.sin(turn) * y)))
        coarse = rng.random() < 0.6
        return cls(
            matrix=matrix.astype(np.float32),
            margins=(margins[0], margins[1], margins[2], margins[3]),
            curve=float(np.exp(rng.normal(0, 0.25))),
            gains=np.exp(rng.normal(0, 0.15) + rng.normal(0, 0.07, 3)).astype(np.float32),
            added=float(rng.normal(0, 10)),
            grey=1.0 if rng.random() < 0.04 else float(rng.uniform(-0.4, 0.6)),
            light=light.astype(np.float32)[..., None],
            side=round(COARSEST_PX * (size / COARSEST_PX) ** rng.random()) if coarse else size,
            blur=float(rng.uniform(0.3, 1.3)) if rng.random() < 0.4 else 0.0,
            noise=float(rng.uniform(0, 14)) if rng.random() < 0.5 else 0.0,
            quality=int(rng.integers(20, 96)) if rng.random() < 0.75 else None,
            enlarged=int(rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4])),
            seed=int(rng.integers(1 << 30)),
        )

    def photo(self, scene: Floats, *, developed: bool = True) -> Image:
        """(S, S, 3) in 0…255 -> bytes; one not ``developed`` is neither coarse, noisy nor compressed."""
        lit = self._framed(scene) * self.light / 255
        shown = 255 * lit.clip(0, 1) ** self.curve * self.gains + self.added
        luma = shown @ np.array([0.299, 0.587, 0.114], np.float32)
        picture = np.asarray(shown + self.grey * (luma[..., None] - shown), np.float32)
        if not developed:
            return _bytes(picture)
        size = len(picture)
        if self.side < size:
            small_size = self.side, self.side
            picture = np.asarray(cv2.resize(picture, small_size, interpolation=cv2.INTER_AREA), np.float32)
        picture = softened(picture, self.blur)
        if self.noise:
            picture += self.noise * np.random.default_rng(self.seed).standard_normal(picture.shape, np.float32)
        small = _bytes(picture)
        if self.quality is not None:
            done, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, self.quality])
            assert done
            small = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
        return (
            small
            if len(small) == size
            else np.asarray(cv2.resize(small, (size, size), interpolation=self.enlarged), np.uint8)
        )

    def moved(self, there: Floats) -> Image:
        """An opacity (S, S) in 0…1 in the photo's frame, as bytes."""
        return _bytes(255 * self._framed(there))

    def led(self, points: Floats) -> Floats:
        """Landmarks (..., D) as shares of the side to where the photo shows them; NaN stays NaN."""
        size = len(self.light)
        turn, shift = self.matrix[:, :2], self.matrix[:, 2]
        moved = points * np.float32(np.sqrt(np.linalg.det(turn)))
        # Whole pixels are centres: a share of the side is half a pixel off.
        moved[..., :2] = ((points[..., :2] * size - 0.5) @ turn.T + shift + 0.5) / size
        return np.asarray(moved, np.float32)

    def _framed(self, picture: Floats) -> Floats:
        """Cut tightly, where what is missing repeats the last row or column; then turned and scaled, as a face crop is."""
        size = len(picture)
        left, right, upper, lower = self.margins
        if any(self.margins):
            inner = picture[upper : size - lower, left : size - right]
            framed = cv2.copyMakeBorder(inner, upper, lower, left, right, cv2.BORDER_REPLICATE)
            picture = np.asarray(framed, np.float32)
        moved = cv2.warpAffine(
            picture, self.matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        return np.asarray(moved, np.float32)


def _bytes(picture: Floats) -> Image:
    return np.asarray(np.rint(picture).clip(0, 255), np.uint8)
