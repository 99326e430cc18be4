"""The face-alignment library (Bulat and Tzimiropoulos 2017, arXiv:1703.07332): 68 points by FAN, faces by S3FD.

Slow on a CPU (about a second a photo), precise, and good at turned faces. Needs torch, so `synth` loads it only when it
is asked for.
"""

from typing import Any

import numpy as np
from pydantic import Field

from unveilify import weights
from unveilify.core.config import Config as BaseConfig
from unveilify.core.landmarks import Landmarks
from unveilify.core.records import Face, Image
from unveilify.faces.prominence import by_prominence

MIN_SIDE_PX = 32
"""The detector's deepest layer has nothing left of a smaller picture."""


class Config(BaseConfig):
    """Settings of the backend 'face_alignment'."""

    device: str = Field(default="auto", description="cpu, cuda, mps, or auto: a GPU where there is one")
    flip: bool = Field(default=True, description="average with the mirrored face: more precise, half as fast")
    min_score: float = Field(default=0.5, ge=0, le=1, description="detector score below which a box is no face")
    batch: int = Field(default=16, ge=1, description="on a GPU, faces of one picture that go through FAN together")


class Backend:
    """Finds faces in scheme 'ibug68'."""

    def __init__(self, config: Config) -> None:
        """Load both networks; they are never downloaded unasked.

        Raises:
            weights.Missing: one is not here.
        """
        detector, fan = weights.fetch("s3fd"), weights.fetch("2dfan4")
        import face_alignment
        import torch
        from face_alignment.models import FAN

        device = config.device
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"

        class Local(face_alignment.FaceAlignment):  # type: ignore[misc]
            """The library's own class, with FAN read from our file instead of fetched by the library."""

            def _load_native(self, name: str, size: int, device: str, dtype: torch.dtype) -> Any:
                network = FAN(size)
                network.load_state_dict(torch.load(fan, map_location=device, weights_only=True))
                return network.to(device, dtype=dtype).eval()

        on_gpu = not device.startswith("cpu")
        self._fan = Local(
            face_alignment.LandmarksType.TWO_D,
            device=device,
            flip_input=config.flip,
            face_detector="sfd",
            face_detector_kwargs={"path_to_detector": str(detector), "filter_threshold": config.min_score},
            compile=False,  # on a CPU, compiling takes minutes and gains little; on a GPU, shapes vary with the photo
            max_batch_size=config.batch if on_gpu else 1,
        )

    def find(self, image: Image, *, masked: bool = False, everyone: bool = False, path: str = "") -> list[Face]:
        """Faces of an RGB picture (H, W, 3), the most prominent first; ``masked`` and ``everyone`` change nothing here."""
        if min(image.shape[:2]) < MIN_SIDE_PX:
            return []
        image = np.ascontiguousarray(image)
        boxes = self._fan.face_detector.detect_from_image(image.copy())
        if len(boxes) == 0:
            return []
        points = self._fan.get_landmarks_from_image(image, detected_faces=boxes)
        return by_prominence([_face(box, marks) for box, marks in zip(boxes, points, strict=True)], image)


def _face(box: Any, points: Any) -> Face:
    x0, y0, x1, y1, score = (float(value) for value in box)
    marks = Landmarks(np.asarray(points, np.float32), "ibug68")
    return Face(marks, (x0, y0, x1 - x0, y1 - y0), min(1.0, score), min(1.0, score))
