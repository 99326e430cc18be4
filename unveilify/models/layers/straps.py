"""Straps that the finder did not see: thin lines that begin at the cloth and go on beside the face.

The finder looks at 128 px, where an ear loop is a pixel wide. Here lines are looked for that are brighter (or, beside black
cloth, darker) than what lies on both sides (top hat, Serra 1982), as pale as cloth and unlike skin, and straight as a strap
is: an ear's rim is none. Nothing is learned.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from unveilify.core import mesh
from unveilify.core.batch import to_bytes
from unveilify.core.records import Image
from unveilify.models.layers.hole import FOUND
from unveilify.models.layers.placing import known
from unveilify.models.layers.warp import resize

SIDE, THICK = 320, 13
"""Side at which lines are looked for, and how many pixels no strap is thick there."""
CONTRAST = 28
"""How much brighter, or darker, than what lies on both sides, of 255."""
BLACK, HAIR = 50, 6.0
"""Darker cloth has black straps, which are as much longer than wide: the hair beside an ear is black, too."""
PALE = 0.6
"""Straps that are no darker than skin have at most this share of its saturation."""
AROUND = 0.2
"""How far from the cloth, as a share of the side."""
BESIDE, LOW = 0.72, 1.3
"""How far from the middle of a face straps begin, and how far below the eyes they end, in interocular distances."""
LONG, THIN = 0.035, 3.0
"""The least length of what is found, as a share of the side, and how many times longer than wide it is."""

Area = npt.NDArray[np.bool_]


def straps(masked: Tensor, found: Tensor, landmarks: Tensor | None) -> Tensor:
    """(B, 1, S, S), 1 on the straps of masks whose cloth was ``found`` (B, 1, S, S), 0…1, in photos (B, 3, S, S).

    Without the meshes ``landmarks`` (B, 468, 3) nothing is looked for: brows and lids are thin lines, too.
    """
    area = torch.zeros_like(found)
    if landmarks is None or landmarks.shape[-2:] != (mesh.POINTS, 3):
        return area
    small = to_bytes(F.interpolate(masked.detach().float(), size=(SIDE, SIDE), mode="area"))
    cloth = (resize(found, SIDE)[:, 0] > FOUND).cpu().numpy()
    near = (resize(found, SIDE)[:, 0] > FOUND / 3).cpu().numpy()
    points = landmarks.detach().cpu().double().numpy()
    for number in np.flatnonzero(known(landmarks)):
        if cloth[number].any():
            photo = _Photo(np.ascontiguousarray(small[number]), cloth[number], near[number])
            lines = photo.lines(_beside(points[number]))
            area[number] = resize(torch.from_numpy(lines.astype(np.float32))[None, None], found.shape[-1])[0].to(found)
    return (area > 0.5).to(found)


@dataclass(frozen=True, slots=True)
class _Photo:
    """``picture`` (SIDE, SIDE, 3); where there is ``cloth``, and where cloth is not unlikely."""

    picture: Image
    cloth: Area
    near: Area

    def lines(self, beside: Area) -> Area:
        """The straps, where they may be."""
        allowed = beside & ~self.cloth & _grown(self.cloth, round(AROUND * SIDE))
        inner = self.cloth & ~_grown(~self.cloth, 4)
        colours = self.picture[inner if inner.any() else self.cloth]
        saturation = np.ptp(self.picture, -1) / np.maximum(self.picture.max(-1), 1)
        skin = float(np.median(saturation[~beside & ~self.near])) if (~beside & ~self.near).any() else 1.0
        pale = allowed & (saturation < PALE * skin) & (self._apart(cv2.MORPH_TOPHAT) > CONTRAST)
        found = self._straight(pale, THIN)
        if np.median(colours.mean(1)) < BLACK:
            black = allowed & (self.picture.max(-1) < BLACK) & (self._apart(cv2.MORPH_BLACKHAT) > CONTRAST)
            found |= self._straight(black, HAIR)
        return found

    def _apart(self, kind: int) -> Image:
        """How much every pixel differs from what lies on both sides of it, in the channel where it does least."""
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (THICK, THICK))
        channels = [cv2.morphologyEx(np.ascontiguousarray(self.picture[..., c]), kind, kernel) for c in range(3)]
        return np.asarray(np.min(channels, 0))

    def _straight(self, area: Area, thin: float) -> Area:
        """Those connected parts that begin at the cloth and are long and thin."""
        whole = cv2.morphologyEx(area.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
        count, labels = cv2.connectedComponents(whole)
        begins = set(labels[_grown(self.cloth | self.near, 3)].tolist()) - {0}
        found = np.zeros_like(area)
        for number in begins & set(range(1, count)):
            part = labels == number
            places = np.argwhere(part).astype(np.float64)
            length = 4 * np.sqrt(np.linalg.eigvalsh(np.cov(places.T) if len(places) > 2 else np.zeros((2, 2)))[1])
            if length > LONG * SIDE and length**2 > thin * len(places):
                found |= part
        return found


def _beside(points: npt.NDArray[np.float64]) -> Area:
    """Where straps may be beside a face (468, 3) in shares of the side."""
    mean = mesh.surface().mean
    middle = points[np.abs(mean[:, 0]) < BESIDE, :2] * SIDE
    area = np.ones((SIDE, SIDE), np.uint8)
    cv2.fillConvexPoly(area, cv2.convexHull(np.rint(middle).astype(np.int32)), 0)
    there = mesh.rigid(mean, points)
    begin, end = there(np.array([[0, LOW, 0], [0, LOW + 1, 0]]))[:, :2] * SIDE
    y, x = np.mgrid[:SIDE, :SIDE]
    below = (x - begin[0]) * (end[0] - begin[0]) + (y - begin[1]) * (end[1] - begin[1]) > 0
    return np.asarray((area > 0) & ~below)


def _grown(area: Area, reach: int) -> Area:
    return np.asarray(cv2.dilate(area.astype(np.uint8), np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)) > 0)
