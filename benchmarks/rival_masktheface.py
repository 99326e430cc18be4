"""MaskTheFace from a checkout given by path, driven without changing it; for comparison in benchmarks only.

Its package imports dlib (detector), imutils and requests at the top. Where dlib or its 68-point predictor is not at
hand, its drawing still runs: it is handed the 68 points of our own landmark backend, the same face, the same points.
"""

import importlib
import os
import random
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unveilify.core.landmarks import Landmarks

Rgb = NDArray[np.uint8]

# vertices of the 468-point mesh that lie where the 68-point scheme has its points
MESH_TO_68 = [
    *(162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389),
    *(71, 63, 105, 66, 107, 336, 296, 334, 293, 301, 168, 197, 5, 4, 75, 97, 2),
    *(326, 305, 33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380, 61, 39, 37),
    *(0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87),
]
TYPES = ("surgical", "surgical_blue", "surgical_green", "N95", "KN95", "cloth")


class _Dots(SimpleNamespace):
    """A namespace that can also be filled like a dictionary."""

    def __setitem__(self, name: str, value: object) -> None:
        setattr(self, name, value)


class Rival:
    """The functions of a checkout; templates are read relative to it, so calls run inside its folder."""

    def __init__(self, checkout: Path, predictor: Path | None = None) -> None:
        self.folder = checkout.resolve()
        self.detector: Any = None
        self.predictor: Any = None
        for name in ("imutils", "requests", "dotmap"):
            try:
                importlib.import_module(name)
            except ImportError:  # only used for a download, a reshape that we do ourselves, and as a namespace
                stub = ModuleType(name)
                stub.__dict__.update(face_utils=None, DotMap=_Dots)
                sys.modules[name] = stub
        sys.path.insert(0, str(self.folder))
        with self.inside():
            self.code = importlib.import_module("utils.aux_functions")
        if predictor is not None:
            dlib = importlib.import_module("dlib")
            self.detector, self.predictor = dlib.get_frontal_face_detector(), dlib.shape_predictor(str(predictor))
        self.dice = random.Random(0)
        self.settings = Namespace(pattern="", pattern_weight=0.5, color="", color_weight=0.5)

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Work in the checkout's folder."""
        before = Path.cwd()
        os.chdir(self.folder)
        try:
            yield
        finally:
            os.chdir(before)

    def draw(self, bgr: Rgb, points: NDArray[np.float32], kind: str | None = None) -> Rgb:
        """One mask of ``kind`` (a random one of six) on the face with these 68 points."""
        shape = np.rint(points).astype(int)
        box = [int(shape[:, 1].min()), int(shape[:, 0].max()), int(shape[:, 1].max()), int(shape[:, 0].min())]
        marks = self.code.shape_to_landmarks(shape)
        six, angle = self.code.get_six_points(marks, bgr)
        masked, _ = self.code.mask_face(bgr, box, six, angle, self.settings, type=kind or self.dice.choice(TYPES))
        return np.asarray(masked, np.uint8)

    def try_to_draw(self, rgb: Rgb, landmarks: Landmarks) -> Rgb:
        """A mask on an RGB picture from a 468-point mesh, or the picture as it was where the rival gives up."""
        with self.inside():
            try:
                bgr = self.draw(np.ascontiguousarray(rgb[:, :, ::-1]), landmarks.points[MESH_TO_68][:, :2])
            except (IndexError, ValueError):
                return rgb
        return np.ascontiguousarray(bgr[:, :, ::-1])

    def whole(self, bgr: Rgb) -> tuple[Rgb, int]:
        """Its whole way with dlib: detect, place, draw; the picture and how many faces it found."""
        found = self.detector(bgr, 1)
        for face in found:
            shape = self.predictor(bgr, face)
            bgr = self.draw(bgr, np.array([(p.x, p.y) for p in shape.parts()], np.float32))
        return bgr, len(found)
