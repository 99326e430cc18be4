"""InsightFace's detectors and model packs: 106 points from a pack, 5 points from a single SCRFD detector.

The code is MIT; InsightFace's networks are for non-commercial research.
"""

import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from unveilify import weights
from unveilify.core.config import Config as BaseConfig
from unveilify.core.errors import UserError
from unveilify.core.landmarks import Landmarks
from unveilify.core.records import Face, Image
from unveilify.core.storage import write_bytes
from unveilify.faces.prominence import by_prominence
from unveilify.faces.windows import framed, moved

FRAMES = (1.5, 2.0)
"""Where no face is found, the picture is tried with frames this large around it."""
MIN_SIDE_PX = 16

MAIN_OPTION = "model"
"""The setting that may follow the backend's name: ``insightface:…``."""


class Config(BaseConfig):
    """Settings of the backend 'insightface'."""

    model: str = Field(
        default="buffalo_l",
        description="a pretrained network by name (buffalo_l, scrfd_2.5g_bnkps), or the path of a detector's .onnx "
        "file or of a pack's folder",
    )
    min_score: float = Field(default=0.5, ge=0, le=1, description="detector score below which a box is no face")
    det_size: int = Field(default=640, ge=64, description="side of the square in which the detector sees the picture")
    threads: int = Field(default=1, ge=0, description="threads of one network; 0 leaves it to onnxruntime")
    cuda: bool = Field(default=False, description="run on a GPU, where onnxruntime can")


class Backend:
    """Finds faces, masked ones too, in scheme 'insightface106' with a pack or 'five' with a single detector."""

    def __init__(self, config: Config) -> None:
        """Load the networks.

        Raises:
            weights.Missing: they are not here.
            UserError: the model is no detector with points.
        """
        self.config = config
        path = _model_path(config.model)
        self._get = self._pack(path) if path.is_dir() else self._single(path)

    def find(self, image: Image, *, masked: bool = False, everyone: bool = False, path: str = "") -> list[Face]:
        """Faces of an RGB picture (H, W, 3), the most prominent first; ``masked`` and ``everyone`` change nothing here."""
        if min(image.shape[:2]) < MIN_SIDE_PX:
            return []
        for window, x, y in ((image, 0, 0), *(framed(image, share) for share in FRAMES)):
            faces = [moved(face, x, y) for face in self._get(np.ascontiguousarray(window[..., ::-1]))]
            if faces:
                return by_prominence(faces, image)
        return []

    def _options(self) -> dict[str, Any]:
        import onnxruntime

        session = onnxruntime.SessionOptions()
        session.intra_op_num_threads = self.config.threads
        session.log_severity_level = 3
        wanted = ["CUDAExecutionProvider"] * self.config.cuda + ["CPUExecutionProvider"]
        there = onnxruntime.get_available_providers()
        return {"providers": [name for name in wanted if name in there], "sess_options": session}

    def _single(self, path: Path) -> Callable[[Image], list[Face]]:
        from insightface.model_zoo import get_model

        detector = get_model(str(path), **self._options())
        if getattr(detector, "taskname", "") != "detection" or not getattr(detector, "use_kps", False):
            raise UserError(
                f"{path} is no InsightFace detector with five points: name one such as scrfd_2.5g_bnkps.onnx."
            )
        size = (self.config.det_size, self.config.det_size)
        detector.prepare(0 if self.config.cuda else -1, input_size=size, det_thresh=self.config.min_score)

        def get(bgr: Image) -> list[Face]:
            boxes, points = detector.detect(bgr)
            return [_face(box, five, "five") for box, five in zip(boxes, points, strict=True)] if len(boxes) else []

        return get

    def _pack(self, path: Path) -> Callable[[Image], list[Face]]:
        from insightface.app import FaceAnalysis

        try:
            app = FaceAnalysis(name=str(path), allowed_modules=["detection", "landmark_2d_106"], **self._options())
        except AssertionError:
            raise UserError(
                f"{path} holds no InsightFace detection model (.onnx): name a pack such as buffalo_l."
            ) from None
        size = (self.config.det_size, self.config.det_size)
        app.prepare(0 if self.config.cuda else -1, det_thresh=self.config.min_score, det_size=size)

        def get(bgr: Image) -> list[Face]:
            return [_of_pack(found) for found in app.get(bgr)]

        return get


def _of_pack(found: Any) -> Face:
    box = np.append(found.bbox, found.det_score)
    points = found.get("landmark_2d_106")
    return _face(box, found.kps, "five") if points is None else _face(box, points, "insightface106")


def _face(box: Any, points: Any, scheme: str) -> Face:
    x0, y0, x1, y1, score = (float(value) for value in box)
    marks = Landmarks(np.asarray(points, np.float32), scheme)
    return Face(marks, (x0, y0, x1 - x0, y1 - y0), min(1.0, score), min(1.0, score))


def _model_path(model: str) -> Path:
    """The file or folder of a model given by path or by its name in the catalogue; packs are unpacked once."""
    path = Path(model).expanduser()
    if path.suffix == ".onnx" or path.is_dir():
        if not path.exists():
            raise UserError(f"There is no file {path}: give the path of a detector, or a name such as buffalo_l.")
        return path
    path = weights.fetch(model)
    return path if path.suffix != ".zip" else _unpacked(path)


def _unpacked(archive: Path) -> Path:
    """The folder with the networks of a pack, each as the archive has it."""
    folder = weights.cache() / archive.stem
    with zipfile.ZipFile(archive) as zipped:
        for info in zipped.infolist():
            path = folder / Path(info.filename).name
            if path.suffix == ".onnx" and not (path.is_file() and zlib.crc32(path.read_bytes()) == info.CRC):
                write_bytes(path, zipped.read(info))
    return folder
