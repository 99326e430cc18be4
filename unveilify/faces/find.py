"""Find the one face of a photo that is meant."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from unveilify.core.errors import UserError
from unveilify.core.records import Box, Face, Image
from unveilify.faces.backend import Backend as Backend
from unveilify.faces.backend import load
from unveilify.faces.config import QualityConfig
from unveilify.faces.prominence import prominence, shared
from unveilify.faces.windows import moved

NO_FACE, AMBIGUOUS_FACE, BAD_LABEL = "no_face", "ambiguous_face", "bad_label"
FARTHEST_PX = 1e6
"""No photo is so large that a labelled box lies farther out or is larger."""
ON_LABEL = 0.3
"""A face lies on a labelled box if they share more than this of the smaller one."""
AROUND_LABEL = 0.5
"""A face that was missed is looked for again in its labelled box, with this share of its size added on each side."""


class Finder:
    """Landmark backends in the order in which they are asked: the next only where those before found nothing.

    Is itself a backend. A backend's networks are read when it is first asked, so one that is never needed may be
    missing.
    """

    def __init__(self, landmarks: str = "mediapipe", options: Mapping[str, dict[str, Any]] | None = None) -> None:
        """Name the backends.

        Args:
            landmarks: comma-separated names, each with its main option after a colon where it has one, as in
                ``sidecar:marks.csv,mediapipe``.
            options: settings of backends, by their name.

        Raises:
            UserError: no backend is named, one does not exist or has a wrong setting.
        """
        names = [name.strip() for name in landmarks.split(",") if name.strip()]
        if not names:
            raise UserError("No landmark backend is named: set landmarks to 'mediapipe', or to several, as in 'a,b'.")
        self._makers: list[Callable[[], Backend]] = [
            load(name, (options or {}).get(name.partition(":")[0], {})) for name in names
        ]
        self._backends: list[Backend] = []

    def find(self, image: Image, *, masked: bool = False, everyone: bool = False, path: str = "") -> list[Face]:
        """The faces that the first backend with any finds in an RGB picture (H, W, 3), the most prominent first.

        ``everyone`` asks for all faces, however small beside the others, where a backend stops early without it.

        Raises:
            UserError: (`weights.Missing`) a backend's network is not here and cannot be fetched.
        """
        for number, make in enumerate(self._makers):
            if number == len(self._backends):
                self._backends.append(make())
            faces = self._backends[number].find(image, masked=masked, everyone=everyone, path=path)
            if faces:
                return faces
        return []


def find_face(
    backend: Backend,
    image: Image,
    boxes: Sequence[Box] = (),
    config: QualityConfig | None = None,
    *,
    masked: bool = False,
    path: str = "",
) -> Face | str:
    """The one face that a photo is about, or why there is none: ``no_face``, ``ambiguous_face`` or ``bad_label``.

    A labelled box picks the face that lies on it (of several boxes, the largest); a face missed there is looked
    for again in the box's surroundings. Without a box it is the most prominent face, unless a second is about as
    prominent.

    Args:
        backend: a `Finder`, or any backend.
        image: RGB, (H, W, 3).
        boxes: labelled face boxes, in pixels.
        config: how near in prominence is ambiguous.
        masked: faces wear masks.
        path: the photo's path relative to its source.
    """
    if not all(math.isfinite(v) and abs(v) <= FARTHEST_PX for box in boxes for v in box):
        return BAD_LABEL
    faces = backend.find(image, masked=masked, path=path)
    if boxes:
        label = max(boxes, key=lambda box: box[2] * box[3])
        return _on(label, faces) or _on(label, _around(backend, image, label, masked)) or NO_FACE
    if not faces:
        return NO_FACE
    first, *others = sorted((prominence(face.box, image) for face in faces), reverse=True)
    if others and first - others[0] < (config or QualityConfig()).ambiguous_within:
        return AMBIGUOUS_FACE
    return max(faces, key=lambda face: prominence(face.box, image))


def _on(label: Box, faces: list[Face]) -> Face | None:
    """The face that shares most with a labelled box; of equals, the better sized."""
    lying = [face for face in faces if shared(face.box, label) > ON_LABEL]
    return max(lying, key=lambda face: _likeness(face.box, label), default=None)


def _likeness(one: Box, other: Box) -> float:
    """Intersection over union."""
    common = shared(one, other) * min(one[2] * one[3], other[2] * other[3])
    return common / max(one[2] * one[3] + other[2] * other[3] - common, 1e-9)


def _around(backend: Backend, image: Image, label: Box, masked: bool) -> list[Face]:
    height, width = image.shape[:2]
    x, y, w, h = label
    left, top = max(0, round(x - w * AROUND_LABEL)), max(0, round(y - h * AROUND_LABEL))
    right, bottom = min(width, round(x + w * (1 + AROUND_LABEL))), min(height, round(y + h * (1 + AROUND_LABEL)))
    if right <= left or bottom <= top:
        return []
    part = np.ascontiguousarray(image[top:bottom, left:right])
    return [moved(face, left, top) for face in backend.find(part, masked=masked)]
