"""Landmark schemes, and the named anchors that every scheme yields.

"left" and "right" are the picture's: on an upright face the left eye has the smaller x.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from unveilify.core.errors import UserError
from unveilify.core.geometry import Matrix, apply

Points = npt.NDArray[np.float32]

SUBPIXELS = 16
"""Landmarks are rounded to 1/16 px, so that what is drawn from them does not hang on the last bits of a network."""


@dataclass(frozen=True, slots=True)
class Landmarks:
    """Points on a face: (N, 2) or, with depth in the same unit (larger is farther away), (N, 3) pixels."""

    points: Points
    scheme: str


# Each anchor is the mean of the points named here. The outline's anchors are those of the 68-point scheme:
# ears 1 and 15, cheeks 2 and 14, jaw angles 4 and 12; the 98- and 106-point outlines have twice as many points.
_IBUG68: dict[str, tuple[int, ...]] = {
    "eye_left": (36, 37, 38, 39, 40, 41),
    "eye_right": (42, 43, 44, 45, 46, 47),
    "eye_left_outer": (36,),
    "eye_left_inner": (39,),
    "eye_right_inner": (42,),
    "eye_right_outer": (45,),
    "nose_bridge": (27,),
    "nose_tip": (30,),
    "mouth_left": (48,),
    "mouth_right": (54,),
    "ear_left": (1,),
    "ear_right": (15,),
    "cheek_left": (2,),
    "cheek_right": (14,),
    "jaw_left": (4,),
    "jaw_right": (12,),
    "chin": (8,),
}
ANCHORS = tuple(_IBUG68)
"""The names that `anchors` yields for every scheme."""

_WFLW98: dict[str, tuple[int, ...]] = {
    "eye_left": (60, 61, 62, 63, 64, 65, 66, 67),
    "eye_right": (68, 69, 70, 71, 72, 73, 74, 75),
    "eye_left_outer": (60,),
    "eye_left_inner": (64,),
    "eye_right_inner": (68,),
    "eye_right_outer": (72,),
    "nose_bridge": (51,),
    "nose_tip": (54,),
    "mouth_left": (76,),
    "mouth_right": (82,),
    "ear_left": (2,),
    "ear_right": (30,),
    "cheek_left": (4,),
    "cheek_right": (28,),
    "jaw_left": (8,),
    "jaw_right": (24,),
    "chin": (16,),
}
_INSIGHTFACE106: dict[str, tuple[int, ...]] = {
    "eye_left": (35, 36, 33, 37, 39, 42, 40, 41),
    "eye_right": (89, 90, 87, 91, 93, 96, 94, 95),
    "eye_left_outer": (35,),
    "eye_left_inner": (39,),
    "eye_right_inner": (89,),
    "eye_right_outer": (93,),
    "nose_bridge": (72,),
    "nose_tip": (86,),
    "mouth_left": (52,),
    "mouth_right": (61,),
    "ear_left": (10,),
    "ear_right": (26,),
    "cheek_left": (12,),
    "cheek_right": (28,),
    "jaw_left": (16,),
    "jaw_right": (32,),
    "chin": (0,),
}
_MEDIAPIPE468: dict[str, tuple[int, ...]] = {
    "eye_left": (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
    "eye_right": (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466),
    "eye_left_outer": (33,),
    "eye_left_inner": (133,),
    "eye_right_inner": (362,),
    "eye_right_outer": (263,),
    "nose_bridge": (6, 168),
    "nose_tip": (1, 4),
    "mouth_left": (61,),
    "mouth_right": (291,),
    "ear_left": (234,),
    "ear_right": (454,),
    "cheek_left": (93,),
    "cheek_right": (323,),
    "jaw_left": (172,),
    "jaw_right": (397,),
    "chin": (152,),
}
_SCHEMES = {
    "ibug68": (68, _IBUG68),
    "wflw98": (98, _WFLW98),
    "insightface106": (106, _INSIGHTFACE106),
    "mediapipe468": (468, _MEDIAPIPE468),
}
SCHEME_OF_SIZE = {5: "five"} | {size: scheme for scheme, (size, _) in _SCHEMES.items()}
"""The scheme with so many points."""

# The mean face: means of the mesh's anchors over 88 frontal neutral portraits (Face Research Lab London Set,
# CC BY 4.0), made symmetric. It completes the five-point scheme and is the zero of every pose.
_HALF_FACE = {
    "eye": (0.5, 0.0, 0.0),
    "eye_outer": (0.707, 0.003, 0.088),
    "eye_inner": (0.275, 0.021, 0.003),
    "mouth": (0.383, 1.046, -0.115),
    "ear": (1.074, 0.356, 0.928),
    "cheek": (1.058, 0.587, 0.919),
    "jaw": (0.857, 1.280, 0.576),
}
_MIDDLE = {"nose_bridge": (0.0, -0.034, -0.250), "nose_tip": (0.0, 0.519, -0.630), "chin": (0.0, 1.750, -0.115)}


def _mean_face() -> dict[str, npt.NDArray[np.float64]]:
    face = {name: np.array(place) for name, place in _MIDDLE.items()}
    for name, (x, y, z) in _HALF_FACE.items():
        part, _, corner = name.partition("_")
        for side, sign in (("left", -1.0), ("right", 1.0)):
            face[f"{part}_{side}" + (f"_{corner}" if corner else "")] = np.array([sign * x, y, z])
    return face


MEAN_FACE = _mean_face()
"""The anchors (3,) of the mean face. Unit: the interocular distance; origin between the eyes; x to the right,
y down, z away from the camera."""
_FIVE = ("eye_left", "eye_right", "nose_tip", "mouth_left", "mouth_right")


def anchors(landmarks: Landmarks) -> dict[str, Points]:
    """The named points (2,) of a face in pixels, for every name in `ANCHORS`.

    eye_left, eye_right (centres of the eyelids' outline), their outer and inner corners, nose_bridge (between
    the eyes), nose_tip, mouth_left, mouth_right (corners), ear_* (face outline at the height of the tragus),
    cheek_* (outline at the height of the nose tip), jaw_* (jaw angle), chin.

    Five points do not show the outline: there the mean face, turned and scaled to the five, completes them.

    Raises:
        UserError: an unknown scheme, or not as many points as the scheme has.
    """
    return {name: place[:2] for name, place in solid_anchors(landmarks).items()}


def solid_anchors(landmarks: Landmarks) -> dict[str, Points]:
    """As `anchors`, with the depth of schemes that have one: (3,) there, (2,) elsewhere."""
    points = landmarks.points
    if landmarks.scheme != "five" and landmarks.scheme not in _SCHEMES:
        known = ", ".join(["five", *_SCHEMES])
        raise UserError(f"There is no landmark scheme '{landmarks.scheme}'; there are: {known}.")
    number, table = _SCHEMES.get(landmarks.scheme, (5, {}))
    if points.ndim != 2 or points.shape[0] != number or points.shape[1] not in (2, 3):
        raise UserError(f"The scheme '{landmarks.scheme}' has {number} points, not an array of {points.shape}.")
    if landmarks.scheme == "five":
        return _complete(points[:, :2])
    return {name: points[list(indices)].mean(0, dtype=np.float64).astype(np.float32) for name, indices in table.items()}


def transform(landmarks: Landmarks, matrix: Matrix) -> Landmarks:
    """The landmarks in the pixels that the similarity ``matrix`` (2, 3) leads to; depth is scaled along."""
    return Landmarks(apply(matrix, landmarks.points).astype(np.float32), landmarks.scheme)


def quantise(landmarks: Landmarks) -> Landmarks:
    """The landmarks rounded to 1/16 px: exact in binary, in JSON, and for any order of summing in a network."""
    rounded = np.round(landmarks.points.astype(np.float64) * SUBPIXELS) / SUBPIXELS
    return Landmarks(rounded.astype(np.float32), landmarks.scheme)


def view_of(seen: dict[str, Points], names: tuple[str, ...]) -> Matrix:
    """The scaled orthographic view (2, 3) of `MEAN_FACE` that shows its anchors ``names`` most like ``seen`` (2,).

    ``view @ (place - mean place)`` is ``seen - mean seen``. DeMenthon and Davis 1995, "Model-based object pose
    in 25 lines of code", first step; the two rows are then made perpendicular and equally long.
    """
    model = np.stack([MEAN_FACE[name] for name in names])
    shown = np.stack([seen[name] for name in names]).astype(np.float64)
    view = np.linalg.pinv(model - model.mean(0)) @ (shown - shown.mean(0))
    u, s, vt = np.linalg.svd(view.T, full_matrices=False)
    return np.asarray(s.mean() * u @ vt, np.float64)


def _complete(five: Points) -> dict[str, Points]:
    """All anchors from five points, through the view of the mean face that fits them best."""
    known = dict(zip(_FIVE, five, strict=True))
    view = view_of(known, _FIVE)
    middle = np.mean([MEAN_FACE[name] for name in _FIVE], axis=0)
    placed = {name: view @ (place - middle) + five.mean(0, dtype=np.float64) for name, place in MEAN_FACE.items()}
    return {name: np.asarray(known.get(name, placed[name]), np.float32) for name in ANCHORS}
