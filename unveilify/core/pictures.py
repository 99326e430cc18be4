"""Decode hostile picture files in bounded memory, and encode pictures as what they were, with fixed settings."""

import io
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps
from PIL.PngImagePlugin import PngInfo

from unveilify.core.errors import UserError
from unveilify.core.records import Image
from unveilify.core.storage import read_file

MAX_PIXELS = 120_000_000
"""A picture of more pixels than this is refused before it is decoded (about 360 MB as RGB)."""

ENDINGS = {".jpg": "JPEG", ".jpeg": "JPEG", ".jpe": "JPEG", ".png": "PNG", ".bmp": "BMP", ".webp": "WEBP"}
ENDINGS |= {".tif": "TIFF", ".tiff": "TIFF", ".heic": "HEIF", ".heif": "HEIF", ".avif": "AVIF"}
"""Endings of the pictures that are read and written, and their formats by Pillow's names."""

ALTERED = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
    'Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"/>'
    '</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)
"""What the IPTC has for a photo of which a trained network made a part."""

_READ = [*dict.fromkeys(ENDINGS.values()), "MPO", "DIB", "GIF", "PPM", "JPEG2000"]  # none that calls other programs
_WITH_ALPHA = {"PNG", "WEBP", "TIFF", "HEIF", "AVIF"}
_GREY = {"1", "L", "LA", "La", "I;16", "I;16B", "I;16L"}
_ORIENTATION, _DESCRIPTION, _XMP = 0x0112, 0x010E, 700

Pillow.MAX_IMAGE_PIXELS = None  # our own limit is checked from the header, before any pixel is decoded


class PictureError(Exception):
    """A picture that cannot be used; ``reason`` is the word that goes into the manifest."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture, and what it is besides 8-bit RGB.

    ``image`` (H, W, 3) RGB 0…255, turned as its EXIF orientation says. ``grey``: no pixel has a colour;
    ``one_channel``: nor could one have. ``alpha`` (H, W) or None; ``profile``: its ICC profile or None. ``lost`` names
    what an ``image`` cannot hold: ``16_bit``, ``palette``, ``colours`` (CMYK and the like become RGB), ``frames`` (of
    several pictures in one file the first is taken).
    """

    image: Image
    grey: bool = False
    one_channel: bool = False
    alpha: Image | None = None
    profile: bytes | None = None
    lost: tuple[str, ...] = ()


def decode(data: bytes) -> Image:
    """(H, W, 3) RGB 0…255 of any common picture, turned as its EXIF orientation says.

    Raises:
        PictureError: as `open_picture`.
    """
    return open_picture(data).image


def open_picture(data: bytes) -> Picture:
    """A picture with all that it is.

    The decoder alone says whether a file is whole: what follows the picture (a film, as phones append) does not matter.

    Raises:
        PictureError: ``empty``, ``unreadable`` (not a picture, truncated), ``unsupported_depth`` (floating point) or
            ``too_large``.
    """
    if not data:
        raise PictureError("empty", "the file has no bytes")
    if data[4:8] == b"ftyp":
        _learn_heif()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Pillow.open(io.BytesIO(data), formats=_READ) as picture:
                width, height = picture.size
                if width * height > MAX_PIXELS:
                    raise PictureError("too_large", f"{width} x {height} pixels")
                return _whole(picture)
    except PictureError:
        raise
    except MemoryError:
        raise PictureError("too_large", f"not enough memory for {len(data)} bytes of picture") from None
    except Exception:  # Pillow's plugins raise whatever their format's parser met
        raise PictureError("unreadable", "not a picture that is known here, damaged, or cut short") from None


def read_picture(path: Path) -> Picture:
    """The picture in a file that a person named.

    Raises:
        UserError: it cannot be read; the sentence says which file and why.
    """
    try:
        return open_picture(read_file(path))
    except OSError as error:
        raise UserError(f"Cannot read the picture {path}: {error.strerror or error}.") from None
    except PictureError as error:
        raise UserError(f"Cannot use the picture {path} ({error}): give a whole JPEG, PNG or HEIC.") from None


def read(path: Path) -> Image:
    """As `read_picture`, the RGB (H, W, 3) alone."""
    return read_picture(path).image


def to_image(picture: "Image | Pillow.Image | str | Path") -> Image:
    """RGB (H, W, 3), 0…255, of an array that is so already, of a Pillow picture, or of a file.

    Raises:
        UserError: the file cannot be read, or the array is no such picture.
    """
    if isinstance(picture, str | Path):
        return read(Path(picture))
    if isinstance(picture, Pillow.Image):
        return np.ascontiguousarray(ImageOps.exif_transpose(picture).convert("RGB"), np.uint8)
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
        raise UserError(f"A picture is RGB bytes (H, W, 3), not {picture.dtype} {picture.shape}: convert it first.")
    return np.ascontiguousarray(picture)


def encode_as(
    like: Picture, image: Image, ending: str, *, description: str = "", altered: bool = False
) -> tuple[bytes, tuple[str, ...]]:
    """``image`` (H, W, 3) RGB as a file of that ``ending``, grey, transparent and in the colour space of ``like``.

    Nothing else of the file that ``like`` came from goes into it. JPEG has quality 95 and is 4:4:4. ``altered`` says in its
    metadata (XMP, by the words of the IPTC) that a trained network made part of it; BMP has no place for that.

    Returns:
        The file's bytes, and what of ``like`` it could not keep (``like.lost``, ``alpha``, ``profile``).

    Raises:
        UserError: pictures of this ending are not written, or are not so large.
    """
    kind = ENDINGS.get(ending.lower())
    if kind is None:
        raise UserError(f"Pictures are not written as '{ending}' here: let the name end in {', '.join(ENDINGS)}.")
    lost = list(like.lost)
    picture = Pillow.fromarray(image)
    if like.grey:
        picture = picture.convert("L") if like.one_channel else picture.convert("L").convert("RGB")
    if like.alpha is not None and kind in _WITH_ALPHA:
        picture.putalpha(Pillow.fromarray(like.alpha))
    elif like.alpha is not None:
        lost.append("alpha")
    options: dict[str, Any] = {}
    if like.profile is not None and kind != "BMP":
        options["icc_profile"] = like.profile
    elif like.profile is not None:
        lost.append("profile")
    if kind in ("JPEG", "HEIF", "AVIF"):
        options["quality"] = 95
    if kind == "HEIF":
        options["chroma"] = 444
    elif kind in ("JPEG", "AVIF"):
        options["subsampling"] = "4:0:0" if kind == "AVIF" and like.one_channel else "4:4:4"
    if kind == "HEIF":
        _learn_heif()
    if kind == "WEBP":
        options |= {"lossless": True, "exact": True}
    if kind == "TIFF":
        options["compression"] = "tiff_deflate"
    if altered and kind == "TIFF":
        options["tiffinfo"] = {_XMP: ALTERED.encode()}
    elif altered and kind not in ("PNG", "BMP"):
        options["xmp"] = ALTERED.encode()
    if kind == "PNG" and (description or altered):
        notes = PngInfo()
        if description:
            notes.add_text("Description", description)
        if altered:
            notes.add_itxt("XML:com.adobe.xmp", ALTERED)
        options["pnginfo"] = notes
    elif description and kind == "TIFF":
        options["tiffinfo"] = options.get("tiffinfo", {}) | {_DESCRIPTION: description}
    elif description and kind != "BMP":
        exif = Pillow.Exif()
        exif[_DESCRIPTION] = description
        options["exif"] = exif
    data = io.BytesIO()
    try:
        picture.save(data, kind, **options)
    except (OSError, ValueError, RuntimeError) as error:
        raise UserError(f"A {picture.width} x {picture.height} picture cannot be written as {kind}: {error}.") from None
    return data.getvalue(), tuple(lost)


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


def _whole(picture: Pillow.Image) -> Picture:
    """Decode an opened picture."""
    lost = []
    if ";16" in str(getattr(picture, "tile", "")) or picture.mode.startswith("I;16"):
        lost.append("16_bit")
    if getattr(picture, "n_frames", 1) > 1:
        picture.seek(0)
        lost.append("frames")
    picture.load()
    if picture.mode in ("I", "F"):
        raise PictureError("unsupported_depth", f"pixels of mode {picture.mode}, not of 8 or 16 bit")
    if picture.mode in ("P", "PA"):
        lost.append("palette")
    if picture.mode in ("CMYK", "YCbCr", "LAB", "HSV"):
        lost.append("colours")
    one_channel, profile = picture.mode in _GREY, picture.info.get("icc_profile")
    turned = picture
    if picture.getexif().get(_ORIENTATION, 1) != 1:  # else it would be a copy
        turned = ImageOps.exif_transpose(picture)
    if turned.mode.startswith("I;16"):
        turned = Pillow.fromarray((np.asarray(turned).astype(np.uint16) >> 8).astype(np.uint8))
    alpha = None
    if turned.has_transparency_data:
        turned = turned.convert("RGBA")
        alpha = np.array(turned.getchannel("A"), np.uint8)
    image = np.ascontiguousarray(turned if turned.mode == "RGB" else turned.convert("RGB"), np.uint8)
    # Most pictures show a colour in any of their rows, few in none.
    grey = one_channel or (_is_grey(image[:: max(1, len(image) // 8)]) and _is_grey(image))
    return Picture(image, grey, one_channel, alpha, None if "colours" in lost else profile, tuple(lost))


def _is_grey(image: Image) -> bool:
    return all(np.array_equal(image[..., 0], image[..., n]) for n in (1, 2))


@lru_cache(maxsize=1)
def _learn_heif() -> None:
    """Teach Pillow to read and write what phones write."""
    import pillow_heif

    pillow_heif.register_heif_opener()


def _encode(extension: str, image: Image, flags: list[int]) -> bytes:
    done, data = cv2.imencode(extension, cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image, flags)
    if not done:
        raise ValueError(f"OpenCV could not encode a {image.shape} picture as {extension}")
    return data.tobytes()
