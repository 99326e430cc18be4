"""Whether a mesh lies the right way round: the detector is asked again, on the face crop and on its quarter turns.

A mesh that was begun upside down believes in itself (presence near 1, its eyes on the mouth), but the detector, which
knows upright faces only, does not: in the crop that such a mesh asks for it sees less than in the turned one.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from unveilify.core.geometry import apply, invert, scale
from unveilify.core.landmarks import anchors
from unveilify.core.records import Face, Image
from unveilify.faces.backends._blazeface import INPUT_PX, detect
from unveilify.faces.backends._mesh import EYE_CORNERS, Region, box_region, face_of, matrix, mesh, region
from unveilify.faces.backends._network import Network
from unveilify.faces.warp import warp

AROUND = 1.5
"""The crop is this much larger than the mesh's own square: the detector likes some room around a face."""
FAINT = 0.1
"""Detector score below which nothing is seen in a crop."""
SURE_SCORE, SURE_OFF = 0.88, 0.35
"""A detection this good, with its eyes this near to the mesh's (interocular distances), settles it. Of 1167 meshes of LFW
and London portraits in four turns, 140 of them wrong, no wrong one passed, and 25 right ones had to be tried in turns."""

WRONG_OFF = 0.6
"""A mesh whose eyes are farther from the detector's is wrong: of 1027 right ones the farthest was 0.42."""
TURNED_SCORE = 0.5
"""A turned crop must show a face at least this well."""


@dataclass(frozen=True, slots=True)
class Look:
    """What the detector sees in a crop: its score, the square for a mesh of it in picture pixels, and ``off``, the
    larger distance of its eyes from the mesh's, in the mesh's interocular distances."""

    score: float
    off: float
    where: Region

    @property
    def sure(self) -> bool:
        """Whether the mesh lies where the detector surely sees a face."""
        return self.score >= SURE_SCORE and self.off <= SURE_OFF


def confirmed(detector: Network, image: Image, face: Face) -> bool:
    """Whether the detector surely sees a face where its mesh lies."""
    seen = _look(detector, image, face, 0)
    return seen is not None and seen.sure


def set_right(detector: Network, net: Network, image: Image, face: Face) -> Face | None:
    """The face itself if it lies the right way round, else the one that the best of its quarter turns shows, if any."""
    here = _look(detector, image, face, 0)
    if here is not None and here.sure:
        return face
    best, most = None, 0.0
    if here is not None and here.off <= WRONG_OFF:
        best, most = face, here.score * face.presence
    for quarter in (2, 1, 3):
        seen = _look(detector, image, face, quarter)
        if seen is None or seen.score <= max(most, TURNED_SCORE):
            continue
        points, presence = mesh(net, image, seen.where)
        if seen.score * presence > most:
            best, most = face_of(points, seen.score, presence), seen.score * presence
    return best


def _look(detector: Network, image: Image, face: Face, quarter: int) -> Look | None:
    points = face.landmarks.points
    square = region(points[:, :2], points[EYE_CORNERS[0], :2], points[EYE_CORNERS[1], :2])
    square = replace(square, side=square.side * AROUND, angle=square.angle + quarter * np.pi / 2)
    there = matrix(square, INPUT_PX)
    found = detect(detector, warp(image, there, INPUT_PX, cv2.BORDER_CONSTANT), FAINT)
    if not found:
        return None
    named = anchors(face.landmarks)
    eyes = apply(there, np.stack([named["eye_left"], named["eye_right"]]))
    apart = max(float(np.linalg.norm(eyes[1] - eyes[0])), 1e-6)
    offs = [float(np.linalg.norm(one.points[:2] - eyes, axis=1).max()) / apart for one in found]
    n = int(np.argmin(offs)) if quarter == 0 else int(np.argmax([one.score for one in found]))
    inner = box_region(found[n].box, found[n].points[0], found[n].points[1])
    centre = apply(invert(there), inner.centre[None])[0].astype(np.float32)
    return Look(found[n].score, offs[n], Region(centre, inner.side / scale(there), inner.angle + square.angle))
