"""EdgeFace-XS (George et al. 2024) through onnxruntime: the judge that measures and that no training ever uses."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime

from unveilify.core.errors import UserError
from unveilify.core.records import Image
from unveilify.perception.align import template_image

BATCH = 64


class EdgeFace:
    """Embeds face crops; see `recogniser.Recogniser`."""

    name = "EdgeFace-XS"

    def __init__(self, path: Path, device: str = "cpu") -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = _threads()
        options.log_severity_level = 3
        wanted = ["CUDAExecutionProvider"] if device.startswith("cuda") else []
        providers = [p for p in wanted if p in onnxruntime.get_available_providers()]
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=[*providers, "CPUExecutionProvider"]
            )
        except Exception as error:
            # onnxruntime raises many types of its own; all of them mean that the file is no good.
            raise UserError(
                f"{path} cannot be opened by onnxruntime ({type(error).__name__}): fetch it again."
            ) from None
        self._input = self._session.get_inputs()[0].name

    def embed(self, images: Sequence[Image]) -> npt.NDArray[np.float32]:
        """(S, S, 3) RGB face crops, of any sizes -> (N, 512) vectors of length 1."""
        found = [self._embed(images[i : i + BATCH]) for i in range(0, len(images), BATCH)]
        return np.concatenate(found) if found else np.zeros((0, 512), np.float32)

    def _embed(self, images: Sequence[Image]) -> npt.NDArray[np.float32]:
        faces = np.stack([template_image(image) for image in images]).transpose(0, 3, 1, 2)
        pixels = (faces.astype(np.float32) - 127.5) / 127.5
        vectors = np.asarray(self._session.run(None, {self._input: pixels})[0], np.float32)
        length = np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-12)
        return np.asarray(vectors / length, np.float32)


def _threads() -> int:
    """onnxruntime does not read OMP_NUM_THREADS by itself; 0 lets it choose."""
    text = os.environ.get("OMP_NUM_THREADS", "")
    return int(text) if text.isdigit() else 0
