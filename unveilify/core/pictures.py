"""Decode hostile picture files in bounded memory, and encode ours with fixed settings."""

import io
import warnings
from pathlib import Path

import cv2
import numpy as np
from PIL import Image as Pillow

from unveilify.core.errors import UserError
from unveilify.core.records import Image

MAX_PIXELS = 120_000_000
"""A picture of more pixels than this is refused before it is decoded (about 360 MB as RGB)."""

Pillow.MAX_IMAGE_PIXELS = None  # our own limit is checked from the header, before any pixel is decoded


class PictureError(Exception):
    """A picture that cannot be used; ``reason`` is the word that goes into the manifest."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


def decode(data: bytes) -> Image:
    """(H, W, 3) RGB 0…255 of any common picture, turned as its EXIF orientation says.

    Raises:
        PictureError: ``empty``, ``unreadable`` (not a picture, truncated) or ``too_large``.
    """
    if not data:
        raise PictureError("empty", "the file has no bytes")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Pillow.open(io.BytesIO(data)) as header:
                width, height = header.size
    except Exception as error:  # Pillow's plugins raise whatever their format's parser met
        raise PictureError("unreadable", f"no picture that is known here ({type(error).__name__})") from None
    if width * height > MAX_PIXELS:
        raise PictureError("too_large", f"{width} x {height} pixels")
    try:
        bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise PictureError("unreadable", str(error)) from None
    if bgr is None or _truncated(data):
        raise PictureError("unreadable", "the picture is damaged or cut short")
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)


def read(path: Path) -> Image:
    """The picture in a file that a person named.

    Raises:
        UserError: it cannot be read; the sentence says which file and why.
    """
    try:
        return decode(path.read_bytes())
    except OSError as error:
        raise UserError(f"Cannot read the picture {path}: {error.strerror or error}.") from None
    except PictureError as error:
        raise UserError(f"Cannot use the picture {path} ({error}): give a whole JPEG or PNG.") from None


def _truncated(data: bytes) -> bool:
    # OpenCV fills the missing rows of a cut JPEG with grey and says nothing.
    return data[:2] == b"\xff\xd8" and b"\xff\xd9" not in data[-4096:]


def encode_jpeg(image: Image, quality: int) -> bytes:
    """JPEG 4:4:4: blocks that are equal in two pictures decode to equal pixels, which 4:2:0 breaks."""
    flags = [
        cv2.IMWRITE_JPEG_QUALITY,
        quality,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    ]
    return _encode(".jpg", image, flags)


def encode_png(image: Image) -> bytes:
    """PNG of an RGB picture or a single-channel alpha."""
    return _encode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 6])


def _encode(extension: str, image: Image, flags: list[int]) -> bytes:
    done, data = cv2.imencode(extension, cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image, flags)
    if not done:
        raise ValueError(f"OpenCV could not encode a {image.shape} picture as {extension}")
    return data.tobytes()
