"""Cut the face crop: a square aligned on the eyes, which a mask never hides."""

from dataclasses import dataclass

import numpy as np

from unveilify.core.errors import PhotoError
from unveilify.core.geometry import Floats, Matrix, similarity
from unveilify.core.landmark_rows import shares
from unveilify.core.landmarks import Landmarks, Points, anchors, quantise, transform
from unveilify.core.records import Face, Image
from unveilify.faces.warp import outside_share, warp

INTEROCULAR = 0.25
"""Distance of the eye centres, as a share of the crop's side."""
EYE_HEIGHT = 0.40
"""Height of the eyes below the crop's upper edge, as a share of its side."""
LARGEST_PX = 1024
"""Side beyond which a face is reduced even for a network that takes any size: memory grows with the square."""


@dataclass(frozen=True, slots=True)
class FaceCrop:
    """A face crop and how it was cut.

    ``image`` (S, S, 3) RGB; ``matrix`` (2, 3) leads from photo to crop pixels; ``landmarks`` in crop pixels,
    rounded to 1/16; ``padded_share`` (0…1) of the crop lies outside the photo and repeats its border.
    """

    image: Image
    matrix: Matrix
    landmarks: Landmarks
    padded_share: float

    @property
    def shares(self) -> Points:
        """The landmarks (N, D) as shares of the crop's side; see `core.landmark_rows.shares`."""
        return shares(self.landmarks.points, self.image.shape[0])


def eyes(size_px: int) -> Floats:
    """Where the eye centres lie in a crop of side ``size_px``: (2, 2) pixels, the picture's left eye first.

    Whole coordinates are centres of pixels, so a mirrored crop is aligned as well.
    """
    x, y = np.array([0.5 - INTEROCULAR / 2, 0.5 + INTEROCULAR / 2]) * size_px - 0.5, EYE_HEIGHT * size_px - 0.5
    return np.array([[x[0], y], [x[1], y]])


def crop(image: Image, landmarks: Landmarks, size_px: int) -> FaceCrop:
    """The face crop of a face with ``landmarks`` (in picture pixels) in an RGB picture (H, W, 3).

    Raises:
        PhotoError: the two eyes coincide.
    """
    matrix = crop_matrix(landmarks, size_px)
    return FaceCrop(
        image=warp(image, matrix, size_px),
        matrix=matrix,
        landmarks=quantise(transform(landmarks, matrix)),
        padded_share=outside_share(image.shape, matrix, size_px),
    )


def crop_matrix(landmarks: Landmarks, size_px: int) -> Matrix:
    """The similarity (2, 3) from picture pixels to the pixels of the face crop; see `crop`."""
    named = anchors(quantise(landmarks))
    pair = np.stack([named["eye_left"], named["eye_right"]]).astype(np.float64)
    if np.allclose(pair[0], pair[1]):
        raise PhotoError(
            "The landmarks put both eyes on one point, so the face cannot be aligned; give other landmarks."
        )
    return similarity(pair, eyes(size_px))


def side_of(face: Face, size_px: int) -> int:
    """Side of a face crop with the photo's own resolution, not below ``size_px`` and not beyond `LARGEST_PX`."""
    scale = float(np.hypot(*crop_matrix(face.landmarks, size_px)[0, :2]))
    return int(np.clip(round(size_px / scale / 4) * 4, size_px, max(size_px, LARGEST_PX)))
