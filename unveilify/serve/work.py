"""What the page does with a photo: the public API, and what of its answer is shown."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from unveilify.core.errors import UserError
from unveilify.core.pictures import Picture, encode_png, read_picture
from unveilify.core.records import Image
from unveilify.core.storage import write_bytes
from unveilify.core.words import markdown
from unveilify.faces.align import crop
from unveilify.synth.draw import draw_mask
from unveilify.unmask.files import write_guess
from unveilify.unmask.references import Reference, best
from unveilify.unmask.told import of_faces
from unveilify.unmask.unmasker import Unmasker

SCREEN_PX = 1400
"""Longest side of a picture on the page; the file to be kept has the photo's own size."""
FACE_PX = 256
MOST_PIXELS, MOST_PHOTOS = 40_000_000, 8
TINT = np.array([230, 60, 120], np.float32)
"""The colour that shows where something was replaced."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page shows of one answer.

    ``before`` and ``after`` (H, W, 3) RGB, of what lies around the mask; ``found``: pictures and what they are;
    ``words``: Markdown; ``file``: the result at full size, None where there is none.
    """

    before: Image
    after: Image
    found: Sequence[tuple[Image, str]]
    words: str
    file: Path | None


def take_off(
    unmasker: Unmasker, photo: Path, people: Sequence[Path], folder: Path, *, face: int = 0, strength: float = 1.0
) -> Shown:
    """Take the masks off a photo, by photos of the person; the result goes to ``folder``.

    Args:
        face: this one alone, counted from 1; 0: every face that wears a mask.
        strength: how far the result covers the photo, 0…1.

    Raises:
        UserError: a picture cannot be used, or shows no face.
    """
    if len(people) > MOST_PHOTOS:
        raise UserError(f"{len(people)} photos of the person are too many: give at most {MOST_PHOTOS}.")
    picture = _read(photo)
    begun = time.perf_counter()
    known = unmasker.know([_read(path).image for path in people])
    removal = unmasker.remove(picture.image, known, face=face or None, strength=strength)
    seconds = time.perf_counter() - begun
    told = [markdown(line) for line in of_faces(Path(photo.name), removal, drawn=False, alone="“Face” takes one alone")]
    if not removal.worn:
        return Shown(_small(picture.image), _small(removal.image), (), "\n\n".join(told), None)
    result = folder / f"{photo.stem}-unmasked.png"
    write_guess(result, removal.image, unmasker.model, picture)
    area = (removal.hole > 127).mean()
    told.insert(0, f"**{seconds:.1f} s**; {area:.1%} of the photo replaced by `{unmasker.model}`.")
    if not known:
        told.append("Nobody told what this person looks like: another photo of theirs makes it look like them.")
    told.append(
        "**This picture is altered**: a plausible guess, not evidence of who someone is. The file says so, too."
    )
    found = [
        (_tinted(picture.image, removal.hole), "where the mask was found"),
        (
            _inside(removal.image, removal.hole),
            "what was laid there" if known else "what was laid there: nobody’s face",
        ),
        *_people(known),
        (_small(removal.image), "the whole photo"),
    ]
    return Shown(*_near(picture.image, removal.image, removal.hole), found, "\n\n".join(told), result)


def put_on(photo: Path, folder: Path, *, style: str | None, wear: str, color: str | None, seed: int) -> Shown:
    """Draw a mask on every face of a photo; the result goes to ``folder``, and where it is beside it.

    Raises:
        UserError: as `unveilify.draw_mask`.
    """
    picture = _read(photo)
    begun = time.perf_counter()
    masked = draw_mask(picture.image, style, wear=wear, color=color, seed=seed)
    seconds = time.perf_counter() - begun
    result = folder / f"{photo.stem}-masked.png"
    write_bytes(result, encode_png(masked.image))
    drawn = ", ".join(str(note["mask"]["style"]) for note in masked.notes)
    words = f"**{seconds:.1f} s**; drawn: {drawn}; {(masked.alpha > 0).mean():.1%} of the photo. The same seed draws it again."
    found = [
        (_tinted(picture.image, masked.alpha), "where the mask lies"),
        (_small(masked.image), "the whole photo"),
    ]
    return Shown(*_near(picture.image, masked.image, masked.alpha), found, words, result)


def _read(path: Path) -> Picture:
    try:
        picture = read_picture(path)
    except UserError as error:
        raise UserError(str(error).replace(str(path), path.name)) from None  # where it was kept is nobody's business
    height, width = picture.image.shape[:2]
    if height * width > MOST_PIXELS:
        raise UserError(
            f"{path.name} has {height * width / 1e6:.0f} million pixels, and this page takes {MOST_PIXELS / 1e6:.0f}: "
            "give a smaller one, or use the command line."
        )
    return picture


def _people(known: Sequence[Reference]) -> list[tuple[Image, str]]:
    """The faces in the photos of the person, and what became of each."""
    used = best(known)
    words = []
    for number, one in enumerate(known, 1):
        doubt = one.doubt or ("shows another person than the rest" if one.other else "")
        becomes = "used" if any(one is other for other in used) else "not used"
        words.append(f"photo {number}: {becomes}{f' ({doubt})' if doubt else ''}")
    return [(crop(one.image, one.face.landmarks, FACE_PX).image, word) for one, word in zip(known, words, strict=True)]


def _near(before: Image, after: Image, hole: Image) -> tuple[Image, Image]:
    """The same part of two pictures, in which the faces are large."""
    return _small(_around(before, hole, 2.5)), _small(_around(after, hole, 2.5))


def _tinted(image: Image, hole: Image) -> Image:
    """The part of a photo around a hole, which is coloured."""
    share = 0.55 * hole[..., None].astype(np.float32) / 255
    return _small(_around(np.rint(image + (TINT - image) * share).astype(np.uint8), hole))


def _inside(image: Image, hole: Image) -> Image:
    """What lies in a hole, on grey."""
    share = hole[..., None].astype(np.float32) / 255
    return _small(_around(np.rint(128 + (image.astype(np.float32) - 128) * share).astype(np.uint8), hole))


def _around(image: Image, hole: Image, times: float = 1.5) -> Image:
    """The square part of a photo in which a hole lies, so many times as large; all of it if there is no hole."""
    x, y, width, height = cv2.boundingRect((hole > 0).astype(np.uint8))
    if not width:
        return image
    half = round(max(width, height) * times / 2)
    column, row = x + width // 2, y + height // 2
    return image[max(0, row - half) : row + half, max(0, column - half) : column + half]


def _small(image: Image) -> Image:
    """At most `SCREEN_PX` a side."""
    side = max(image.shape[:2])
    if side <= SCREEN_PX:
        return image
    size = tuple(max(1, round(n * SCREEN_PX / side)) for n in image.shape[1::-1])
    return np.asarray(cv2.resize(image, (size[0], size[1]), interpolation=cv2.INTER_AREA), np.uint8)
