"""Measure a face's pose, sharpness and size, and decide what it may be used for."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from unveilify.core.geometry import Floats
from unveilify.core.landmarks import MEAN_FACE, Landmarks, solid_anchors, view_of
from unveilify.core.records import Face, Image
from unveilify.faces.align import FaceCrop, crop
from unveilify.faces.config import QualityConfig

Status = Literal["target", "identity", "rejected"]

RIGID = ("eye_left_outer", "eye_left_inner", "eye_right_inner", "eye_right_outer", "nose_bridge", "nose_tip")
POSE_2D = (*RIGID, "mouth_left", "mouth_right", "chin")
"""Anchors that show the pose without depth. The outline is left out: what is seen of it moves over the face."""
MEASURED_PX = 128
"""Side of the face crop on which sharpness is measured."""
EYE_BAND = np.s_[32:70, 26:102]
"""Rows and columns of that crop that hold the eyes and nothing that a mask hides."""
DETAIL_PX = 4.0
"""What a Gaussian of this width takes away from that crop is detail."""


@dataclass(frozen=True, slots=True)
class Pose:
    """Head pose in degrees; all 0 for a frontal upright face.

    ``yaw`` > 0: the nose points to the picture's right; ``pitch`` > 0: the nose points up; ``roll`` > 0: turned
    clockwise, so the picture's right eye is the lower one.
    """

    yaw: float
    pitch: float
    roll: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a face may be used for, why not for more, and what was measured.

    ``identity``: not good enough to be a training target, good enough to show who someone is.
    ``reason`` is empty for a target, else ``too_small``, ``blurred`` or ``profile``.
    """

    status: Status
    reason: str
    measured: dict[str, float]


def judge(image: Image, face: Face, config: QualityConfig) -> Verdict:
    """Measure ``face`` in its photo (H, W, 3), and hold the numbers against ``config``.

    ``measured`` has yaw, pitch, roll (degrees), sharpness, face_px (width in photo pixels), padded_share (of the face
    crop, 0…1), score and presence. None of them depends on the size that face crops are cut at.
    """
    turned = pose(face.landmarks)
    aligned = crop(image, face.landmarks, MEASURED_PX)
    measured = {
        "yaw": round(turned.yaw, 2),
        "pitch": round(turned.pitch, 2),
        "roll": round(turned.roll, 2),
        "sharpness": round(sharpness(aligned), 4),
        "face_px": round(face.box[2], 2),
        "padded_share": round(aligned.padded_share, 4),
        "score": round(face.score, 4),
        "presence": round(face.presence, 4),
    }
    if measured["face_px"] < config.min_face_px:
        return Verdict("rejected", "too_small", measured)
    if abs(turned.yaw) > config.max_yaw or abs(turned.pitch) > config.max_pitch:
        return Verdict("identity", "profile", measured)
    if measured["sharpness"] < config.min_sharpness:
        return Verdict("identity", "blurred", measured)
    return Verdict("target", "", measured)


def pose(landmarks: Landmarks) -> Pose:
    """The head's pose against the mean face: from the depth of the points where they have one, else from the plane."""
    seen = solid_anchors(landmarks)
    if landmarks.points.shape[1] == 3 and landmarks.scheme != "five":
        return _angles(_rotation(seen))
    view = view_of(seen, POSE_2D)
    rows = view / np.linalg.norm(view, axis=1, keepdims=True)
    return _angles(np.stack([rows[0], rows[1], np.cross(rows[0], rows[1])]))


def sharpness(aligned: FaceCrop) -> float:
    """How much of the detail around the eyes is fine detail: 0.1 is blurred, 1 is sharp.

    Variance of the Laplacian (Pertuz et al. 2013, "Analysis of focus measure operators", LAP4) over the variance of
    all that is smaller than 1/8 interocular distance, in the band that a mask never hides. So neither the light nor a
    dark background beside a turned face moves it.

    Args:
        aligned: a face crop of side `MEASURED_PX`, cut from the photo itself.
    """
    grey = np.asarray(cv2.cvtColor(aligned.image, cv2.COLOR_RGB2GRAY), np.float32)
    fine = np.asarray(cv2.Laplacian(grey, cv2.CV_32F))[EYE_BAND]
    detail = (grey - cv2.GaussianBlur(grey, (0, 0), DETAIL_PX))[EYE_BAND]
    return float(np.var(fine, dtype=np.float64) / (np.var(detail, dtype=np.float64) + 1.0))


def _rotation(seen: dict[str, npt.NDArray[np.float32]]) -> Floats:
    """The rotation (3, 3) that takes the mean face onto anchors with depth (Kabsch 1976)."""
    model = np.stack([MEAN_FACE[name] for name in seen])
    shown = np.stack(list(seen.values())).astype(np.float64)
    u, _, vt = np.linalg.svd((shown - shown.mean(0)).T @ (model - model.mean(0)))
    flip = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    return np.asarray((u * flip) @ vt, np.float64)


def _angles(rotation: Floats) -> Pose:
    """Where the nose of the mean face points (yaw, pitch), and how the eyes lie (roll)."""
    x, y, z = rotation @ np.array([0.0, 0.0, -1.0])
    across = rotation[:, 0]
    yaw = np.degrees(np.arctan2(x, -z))
    pitch = np.degrees(np.arctan2(-y, np.hypot(x, z)))
    return Pose(float(yaw), float(pitch), float(np.degrees(np.arctan2(across[1], across[0]))))
