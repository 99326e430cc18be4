"""Where on a photo masks are: every face is cut out, looked at, and what is found goes back to its place."""

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import nn

from unveilify.core.found import Floats, worn
from unveilify.core.records import Face, Image
from unveilify.faces.align import crop, crop_matrix
from unveilify.models.parts.contract import Batch, Output
from unveilify.models.parts.pictures import to_tensor

LARGEST_PX = 1024
"""Side beyond which a face is reduced before it is looked at: nothing is to be seen there that it does not know."""


@dataclass(frozen=True, slots=True)
class Found:
    """``hole`` (H, W), 0…255, of the whole photo; of ``faces`` faces ``masked`` wear one."""

    hole: Image
    faces: int
    masked: int


@torch.inference_mode()
def find_mask(face_crop: Image, network: nn.Module) -> Floats:
    """Where the mask is in a face crop (S, S, 3) RGB of any side: alpha (S, S) in 0…1, soft at its edges.

    ``network`` is one of the model `find`, or any that says in ``Output.alpha`` where the mask is.
    """
    like = next(network.parameters())
    masked = to_tensor(face_crop[None], like)
    nobody = torch.zeros_like(masked)[None], torch.zeros(1, dtype=torch.int64, device=like.device)
    output: Output = network.eval()(Batch(masked, *nobody, torch.zeros_like(masked[:, :1])))
    assert output.alpha is not None, "a network that finds masks"
    return output.alpha[0, 0].float().cpu().numpy()


def find(photo: Image, faces: list[Face], network: nn.Module, size_px: int) -> Found:
    """The masks of ``faces`` in an RGB photo (H, W, 3), at the photo's own size; of a face without one nothing.

    Faces smaller than ``size_px`` (the side of their crop) are enlarged to it, as the network expects.
    """
    height, width = photo.shape[:2]
    hole, masked = np.zeros((height, width), np.float32), 0
    for face in faces:
        aligned = crop(photo, face.landmarks, side_of(face, size_px))
        alpha = find_mask(aligned.image, network)
        if not worn(alpha):
            continue
        masked += 1
        back = cv2.invertAffineTransform(aligned.matrix)
        there = cv2.warpAffine(alpha, back, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        hole = np.maximum(hole, there)
    return Found(np.rint(255 * hole.clip(0, 1)).astype(np.uint8), len(faces), masked)


def side_of(face: Face, size_px: int) -> int:
    """Side of a face crop with the photo's own resolution, not below ``size_px`` and not beyond `LARGEST_PX`."""
    scale = float(np.hypot(*crop_matrix(face.landmarks, size_px)[0, :2]))
    return int(np.clip(round(size_px / scale / 4) * 4, size_px, max(size_px, LARGEST_PX)))
