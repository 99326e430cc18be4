"""The faces of one photo, from Python."""

from pathlib import Path

from PIL import Image as Pillow

from unveilify.core.pictures import to_image
from unveilify.core.records import Face, Image
from unveilify.faces.find import Backend, Finder


def find_faces(
    image: Image | Pillow.Image | str | Path, *, masked: bool = False, landmarks: str = "mediapipe"
) -> list[Face]:
    """All faces of a photo, the most prominent first; empty if there is none.

    Args:
        image: RGB bytes (H, W, 3), a Pillow picture, or a file.
        masked: faces wear masks; they are then found in photos that lie on their side or head, too.
        landmarks: landmark backends, in the order in which they are asked.

    Raises:
        UserError: the picture cannot be read, or a backend is not here.
    """
    photo, backend = to_image(image), _backend(landmarks, masked)
    return backend.find(photo, masked=masked, everyone=True)


def _backend(landmarks: str, masked: bool) -> Backend:
    if not masked:
        return Finder(landmarks)
    from unveilify.unmask.any_way import AnyWay  # with its network, which loads torch

    return AnyWay.load(landmarks)
