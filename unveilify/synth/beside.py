"""Which files of a source `mask` takes, and under which names their results lie: no two of them ever under one."""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

from unveilify.core.errors import UserError
from unveilify.core.records import Photo
from unveilify.core.stamps import BEGUN, STAMP
from unveilify.core.storage import MEMBER, read_json, split_member
from unveilify.sources.listing import File, files

STAGE = "mask"
ALPHA, NOTES = ".mask.png", ".mask.json"
LONGEST_NAME = 255 - len(NOTES)
"""Bytes that file systems allow in a name, less what is appended to it."""


@dataclass(frozen=True, slots=True)
class Place:
    """A photo, and the names (relative to the output) of its result, the masks' alpha and the notes beside it."""

    path: str
    files: tuple[str, str, str]


def listed(root: Path, only: str | None = None) -> tuple[list[Place], dict[str, str]]:
    """The photos under ``root`` (or the one of that name) with their places, and the reason for every other file.

    A photo keeps its name. Where that would be the name of another result, for a disk that knows no case and either
    form of Unicode too, or where the name is too long or not UTF-8, its key becomes part of it.

    Raises:
        UserError: ``root`` is itself a folder that `mask` wrote.
    """
    if only is None and _is_ours(root):
        raise UserError(f"{root} was written by `unveilify {STAGE}`: give the folder with the photos themselves.")
    places: list[Place] = []
    left_out: dict[str, str] = {}
    taken: set[str] = set()
    for file in files(root, hidden=True):
        if only is not None and file.path != only:
            continue
        reason = _why_not(root, file)
        if reason:
            left_out[file.path] = reason
        else:
            place = _place(file.path, taken)
            taken |= set(map(_plain, place.files))
            places.append(place)
    return places, left_out


def _why_not(root: Path, file: File) -> str:
    if not file.is_picture:
        return file.why_not_a_picture
    if MEMBER in file.path and split_member(root, file.path)[1]:
        return "in_archive"
    folders = PurePosixPath(file.path).parents
    return "already_masked" if any(_is_ours(root / folder) for folder in list(folders)[:-1]) else ""


def _place(path: str, taken: set[str]) -> Place:
    pure = PurePosixPath(path)
    key = Photo(path, "", "").key()
    stem, ending = pure.stem, pure.suffix
    if not _is_text(path):
        pure = PurePosixPath(f"photo-{key}{ending if _is_text(ending) else ''}")
    elif len(pure.name.encode()) > LONGEST_NAME:
        short = stem.encode()[: LONGEST_NAME - 40 - len(ending.encode())].decode(errors="ignore")
        pure = pure.with_name(f"{short}-{key}{ending}")
    names = _names(pure)
    if taken & set(map(_plain, names)):
        names = _names(pure.with_name(f"{pure.stem[:100]}-{key}{ending}"))
    return Place(path, names)


def _names(pure: PurePosixPath) -> tuple[str, str, str]:
    name = pure.as_posix()
    return name, name + ALPHA, name + NOTES


def _plain(name: str) -> str:
    """What names are the same on a disk that knows neither case nor forms of Unicode."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _is_text(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


@lru_cache(maxsize=4096)
def _is_ours(folder: Path) -> bool:
    """Whether `mask` wrote, or began to write, this folder."""
    for name in (STAMP, BEGUN):
        try:
            said = read_json(folder / name)
            if isinstance(said, dict) and said.get("stage") == STAGE:
                return True
        except UserError:
            continue
    return False
