"""Where results go: one rule for the ``-o`` of every verb that makes pictures of photos.

A name with the ending of a picture is a file, and takes the result of one photo. Any other name is a folder, and so is a folder
that is there, whatever its name; results lie in it under their photos' names.
"""

from collections.abc import Sequence
from pathlib import Path

from unveilify.core import paths
from unveilify.core.errors import UserError
from unveilify.core.pictures import ENDINGS
from unveilify.core.storage import followed

UNWRITTEN = (".gif", ".jp2", ".psd", ".svg", ".ppm", ".tga", ".ico")
"""Endings of pictures, too, that are not written here: no folder is meant."""


def is_file(out: Path, photos: Sequence[Path], endings: Sequence[str] = tuple(ENDINGS)) -> bool:
    """Whether ``out`` means a file for the result of ``photos``, else a folder; ``endings`` are those of what comes out.

    Raises:
        UserError: it is a picture's name, and there are several photos (or a folder of them), or no result ends so.
    """
    ending = out.suffix.lower()
    if out.is_dir() or ending not in (*ENDINGS, *UNWRITTEN):
        return False
    if len(photos) > 1:
        raise UserError(f"{len(photos)} photos do not go into one file {out}: give a folder as -o.")
    if any(photo.is_dir() for photo in photos):
        raise UserError(f"The photos of a folder do not go into one file {out}: give a folder as -o.")
    if ending not in endings:
        raise UserError(f"{out} is no name for what comes out: let it end in {' or '.join(endings)}.")
    return True


def places(
    photos: Sequence[Path],
    out: Path,
    keep: Sequence[Path] = (),
    *,
    endings: Sequence[str] = tuple(ENDINGS),
    replace: bool = False,
) -> dict[Path, Path]:
    """Where the result of each photo goes: ``out`` itself, or in it, as a folder, under the photo's name as .png.

    Raises:
        UserError: as `is_file`; two photos of one name; a result that would replace a photo, one of ``keep`` or, without
            ``replace``, any other file.
    """
    one = is_file(out, photos, endings)
    found = {photo: out if one else out / f"{photo.stem}.png" for photo in photos}
    given = {followed(path) for path in (*photos, *keep)}
    for result in found.values():
        if followed(result) in given:
            raise UserError(f"The result would replace the photo {result}: give another -o.")
        paths.check_file(result, endings=endings, replace=replace)
    if len(set(found.values())) < len(found):
        raise UserError(f"Two of the photos have the same name and would replace each other in {out}: rename one.")
    return found
