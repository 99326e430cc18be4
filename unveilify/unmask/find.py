"""Where on a photo masks are: every face is cut out, looked at, and what is found goes back to its place."""

from dataclasses import dataclass

import cv2
import numpy as np

from unveilify.core.found import Floats, worn
from unveilify.core.landmarks import Points
from unveilify.core.records import Face, Image
from unveilify.core.sample import Sample
from unveilify.faces.align import crop, side_of
from unveilify.models.system import NetworkSystem, predict


@dataclass(frozen=True, slots=True)
class Found:
    """``hole`` (H, W), 0…255, of the whole photo; of ``faces`` faces ``masked`` wear one."""

    hole: Image
    faces: int
    masked: int


def find_mask(face_crop: Image, system: NetworkSystem, landmarks: Points | None = None) -> Floats:
    """Where the mask is in a face crop (S, S, 3) RGB of any side: alpha (S, S) in 0…1, soft at its edges.

    With its ``landmarks`` (N, D), in shares of its side, thin straps are found, too.
    The network is one of the model `find`, or any that says in ``Output.alpha`` where the mask is.
    """
    nothing = np.zeros(face_crop.shape[:2], np.uint8)
    sample = Sample("photo", "", face_crop, face_crop, nothing, (), 0, (None, landmarks))
    alpha = predict(system.at(len(face_crop)), [sample]).alpha
    assert alpha is not None, "a network that finds masks"
    return alpha[0, 0].float().cpu().numpy()


def find(photo: Image, faces: list[Face], system: NetworkSystem) -> Found:
    """The masks of ``faces`` in an RGB photo (H, W, 3), at the photo's own size; of a face without one nothing.

    Faces smaller than the network's own side are enlarged to it, as it expects.
    """
    height, width = photo.shape[:2]
    hole, masked = np.zeros((height, width), np.float32), 0
    for face in faces:
        aligned = crop(photo, face.landmarks, side_of(face, system.size_px))
        alpha = find_mask(aligned.image, system, aligned.shares)
        if not worn(alpha):
            continue
        masked += 1
        back = cv2.invertAffineTransform(aligned.matrix)
        there = cv2.warpAffine(alpha, back, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        hole = np.maximum(hole, there)
    return Found(np.rint(255 * hole.clip(0, 1)).astype(np.uint8), len(faces), masked)
