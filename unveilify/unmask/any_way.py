"""Photos that lie on their side or head: where masks are worn, the mask finder knows which way up a face is.

A detector half sees turned faces, and under a mask a mesh that was begun upside down may believe in itself. But a mask
finder, which has only ever been shown upright faces, sees something else in a turned one, and is torn.
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
from unveilify.models.zoo.find import Network
from unveilify.unmask.upright import look
from unveilify.weights import FINDER, fetch

LOOK_PX = 128
"""Side of the face crops that are looked at: the soft edge of a mask is as wide in small faces as in large ones."""
UPRIGHT, CLEAR, PRESENCE, NONE = 0.57, 14.9, 1.74, -15.5
"""The logarithm of the odds that a face is seen upright, as a sum: weights of what `upright.look` says, of how clear its mask is
and of the mesh's presence, and what is left. Logistic regression over 265 real masked photos in four turns each."""
BARE, TRUSTED = (0.85, 0.93), 0.99
"""How clear a face without a mask is: as one whose mask is seen on its head; or, of a mesh with a presence above
`TRUSTED`, as all of 202 upright bare faces had it, so that none of them is looked at any further."""
SURE = 2.5
"""Faces of such odds stand upright: so do two of three that do."""
MARGIN, LEAST = 1.5, 1.0
"""By how much the odds in a turned photo must be better, and how good at least: few photos lie on their side, and in a small
blurred one no turn is good."""
DOUBTED = (0.5, 0.1)
"""Score of the detector and presence of the mesh below both of which a face is a wall or a plant: of 208 real masked faces two
were as doubtful."""


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
        """As the backend does; of masked faces, where none is sure, those of the quarter turn that shows one best. What neither
        the detector nor the mesh believes in is left out."""
        best = self.backend.find(image, masked=masked, everyone=everyone, path=path)
        return [face for face in self._upright(image, best, everyone) if _believed(face)] if masked else best

    def _upright(self, image: Image, best: list[Face], everyone: bool) -> list[Face]:
        most = self._odds(image, best)
        if most >= SURE:
            return best
        most = max(most + MARGIN, LEAST)
        for quarters in (2, 1, 3):
            sideways = turned(image, quarters)
            found = self.backend.find(sideways, masked=True, everyone=everyone)
            odds = self._odds(sideways, found)
            if odds > most:
                best, most = [turned_back(face, quarters, image.shape) for face in found], odds
        return best

    def _odds(self, image: Image, faces: list[Face]) -> float:
        """The logarithm of the odds that faces are seen upright, in the mean."""
        return float(np.mean([self._odds_of(image, face) for face in faces])) if faces else -np.inf

    def _odds_of(self, image: Image, face: Face) -> float:
        small, network = crop(image, face.landmarks, LOOK_PX).image, self.mask_finder.network
        assert isinstance(network, Network)
        alpha, odds = look(small, network)
        # 1 where every pixel of the face crop is surely mask or surely none.
        clear = float(np.abs(2 * alpha - 1).mean()) if worn(alpha) else BARE[face.presence > TRUSTED]
        return UPRIGHT * odds + CLEAR * clear + PRESENCE * face.presence + NONE


def _believed(face: Face) -> bool:
    return face.score >= DOUBTED[0] or face.presence >= DOUBTED[1]
