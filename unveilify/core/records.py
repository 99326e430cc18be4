"""The data types that travel from room to room."""

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from unveilify.core.landmarks import Landmarks

_DOUBTFUL = re.compile(r"\\ud[89a-f]|[\ud800-\udfff]", re.IGNORECASE)

Image = npt.NDArray[np.uint8]
"""(height, width, 3) RGB, or (height, width) for an alpha; 0…255."""

Box = tuple[float, float, float, float]
"""x, y (top-left corner), width, height, in pixels."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A source picture and the one person it is filed under.

    ``path`` is relative to the source folder, with ``/``; ``a.zip!b/c.jpg`` names a member of an archive.
    ``group`` is the unit that a split may not cut. ``boxes`` are labelled face boxes, if any. ``meta["taken"]`` is for
    `shard`, where the source knows it: ``shot``, the same for photos that differ in light alone, and ``sitting``, the
    same for photos taken at one time.
    """

    path: str
    identity: str
    group: str
    boxes: tuple[Box, ...] = ()
    meta: dict[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The path as text that any file can hold: bytes of no known encoding become ``\\udc80`` and the like.

        Two paths never have one label: where such text is part of a name, its backslashes are doubled.
        """
        path = self.path.replace("\\", "\\\\") if _DOUBTFUL.search(self.path) else self.path
        return path.encode("utf-8", "backslashreplace").decode("utf-8")

    def key(self, face: int = 0) -> str:
        """The sample key: ``[a-z0-9_-]+``, from the relative path and the face's number alone."""
        return hashlib.sha256(f"{self.path}#{face}".encode("utf-8", "surrogateescape")).hexdigest()[:20]


@dataclass(frozen=True, slots=True)
class Face:
    """One face found in a picture, in that picture's pixels.

    ``score`` is the detector's (0…1); ``presence`` the landmark network's belief that this is a face
    (0…1): it gates unmasked photos and must not gate masked ones, where it is often wrong.
    """

    landmarks: Landmarks
    box: Box
    score: float
    presence: float
