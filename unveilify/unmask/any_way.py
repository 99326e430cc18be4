"""Photos that lie on their side or head: where masks are worn, the mask finder knows which way up a face is.

A detector half sees turned faces, and under a mask a mesh that was begun upside down believes in itself. But a mask
finder, which has only ever been shown upright faces, is torn where it sees a turned one.
"""

from dataclasses import dataclass

import numpy as np

from unveilify.core.engine.device import pick
from unveilify.core.found import worn
from unveilify.core.records import Face, Image
from unveilify.faces.align import crop
from unveilify.faces.find import Backend, Finder
from unveilify.faces.windows import turned, turned_back
from unveilify.models.store import load
from unveilify.models.system import NetworkSystem
from unveilify.unmask.find import find_mask
from unveilify.weights import FINDER, fetch

LOOK_PX = 128
"""Side of the face crops that are looked at: the soft edge of a mask is as wide in small faces as in large ones."""
BARE = 0.85
"""How clear a face without a mask is: as one whose mask is seen on its head (0.86 in the mean), so that the detector
decides, and less than one whose mask is seen upright (0.95)."""
SURE = 0.76
"""A photo whose faces are worth this in the mean lies the right way round: so did 57 of 68 upright photos of one face,
and none of 68 on their heads."""
FEW = 8
"""Faces count by this power of their worth, so that three half-seen ones (0.7) are less than two seen upright (0.8)."""


@dataclass(frozen=True)
class AnyWay:
    """A backend that finds masked faces any way round, by means of a network that finds masks."""

    backend: Backend
    mask_finder: NetworkSystem

    @classmethod
    def load(cls, landmarks: str = "mediapipe", device: str = "cpu") -> "AnyWay":
        """These landmark backends, with the mask finder in the package.

        Raises:
            UserError: there is no such backend, or no such device.
        """
        return cls(Finder(landmarks), NetworkSystem.of(load(fetch(FINDER)), pick(device)))

    def find(self, image: Image, *, masked: bool = False, everyone: bool = False, path: str = "") -> list[Face]:
        """As the backend does; of masked faces, where none is sure, those of the quarter turn that shows the most."""
        best = self.backend.find(image, masked=masked, everyone=everyone, path=path)
        if not masked:
            return best
        worth = self._worth(image, best)
        if worth and np.mean(worth) >= SURE:
            return best
        most = _together(worth)
        for quarters in (2, 1, 3):
            sideways = turned(image, quarters)
            found = self.backend.find(sideways, masked=True, everyone=everyone)
            shown = _together(self._worth(sideways, found))
            if shown > most:
                best, most = [turned_back(face, quarters, image.shape) for face in found], shown
        return best

    def _worth(self, image: Image, faces: list[Face]) -> list[float]:
        """How surely each face is one that stands upright, 0…1: the detector's score times how clear its mask is."""
        return [face.score * self._clear(image, face) for face in faces]

    def _clear(self, image: Image, face: Face) -> float:
        """1 where every pixel of the face crop is surely mask or surely none."""
        alpha = find_mask(crop(image, face.landmarks, LOOK_PX).image, self.mask_finder)
        return float(np.abs(2 * alpha - 1).mean()) if worn(alpha) else BARE


def _together(worth: list[float]) -> float:
    return sum(one**FEW for one in worth)
