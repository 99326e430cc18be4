"""AI Hub dataSetSn=528, «가족 관계가 알려진 얼굴 이미지 데이터»: Korean families, one folder or zip per family.

People rename, flatten and unzip this set in many ways (group zips, an extra folder level, CP949 names read as
CP437, ``.JPG``), so everything here goes by the FILE NAME: ``F0001_IND_GM_68_0_01.jpg`` is family F0001, an
individual photo, grandmother, 68 years, 0 degrees, first shot; ``F0001_AGE_D_18_a1.jpg`` is an old print of the
daughter, age class a. Identity is family and role; the group that a split may not cut is the family.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from unveilify.core.config import Config as BaseConfig
from unveilify.core.records import Photo
from unveilify.sources.layouts._aihub_labels import Labels, label_stem
from unveilify.sources.listing import File, Listing, Sorter, files, peek

_NAME = re.compile(
    r"(?P<family>F\d{4})_(?P<kind>IND|AGE)_(?P<role>GF|GM|F|M|S\d?|D\d?)_(?P<age>\d{1,3})_(?P<rest>.+)", re.IGNORECASE
)
_SHOT = re.compile(r"(?P<angle>\d{1,3})_(?P<shot>.+)")
_AGE_CLASS = re.compile(r"(?P<letter>[a-h])\d*", re.IGNORECASE)
_YOUNGEST = {"a": 0, "b": 7, "c": 13, "d": 20, "e": 31, "f": 46, "g": 56, "h": 67}
"""The youngest age of each class of an AGE photo."""
_COPY = re.compile(r"( \(\d+\)| - (copy|복사본))+$", re.IGNORECASE)
"""What Windows appends to the second copy of a file."""


class Config(BaseConfig):
    """Which of the photos to use, and what a split may not cut."""

    group: Literal["family", "identity"] = Field("family", description="the unit that a split may not cut")
    angles: tuple[int, ...] = Field((0, 45), description="camera angles of the individual photos, degrees")
    age_photos: bool = Field(False, description="also the old prints (3.Age): one person from childhood to now")
    min_age: int = Field(0, ge=0, description="leave out photos of anyone younger than this, in years")


@dataclass(frozen=True, slots=True)
class Name:
    """What a file name says. ``age`` is the person's in the photo (for AGE photos the youngest that it may be)."""

    family: str
    role: str
    kind: str
    age: int | None
    angle: int | None
    shot: str

    @property
    def identity(self) -> str:
        """The person: ``F0001_GM``."""
        return f"{self.family}_{self.role}"


def read_name(stem: str) -> Name | None:
    """Parse a file name without its extension; None when it is neither an IND nor an AGE photo's."""
    match = _NAME.fullmatch(_COPY.sub("", stem))
    if match is None:
        return None
    family, role, kind = match["family"].upper(), match["role"].upper(), match["kind"].upper()
    if kind == "AGE":
        letter = _AGE_CLASS.fullmatch(match["rest"])
        age = min(_YOUNGEST[letter["letter"].lower()], int(match["age"])) if letter else None
        return Name(family, role, kind, age, None, match["rest"])
    shot = _SHOT.fullmatch(match["rest"])
    angle = int(shot["angle"]) if shot else None
    return Name(family, role, kind, int(match["age"]), angle, shot["shot"] if shot else match["rest"])


def recognises(root: Path) -> float:
    """How many of the names begin like AI Hub's; the label files count where no picture is among the first."""
    seen = peek(root)
    pictures = [file for file in seen if file.is_picture] or [file for file in seen if file.extension == ".json"]
    matches = sum(bool(re.match(r"F\d{4}_[A-Z]+", file.name, re.IGNORECASE)) for file in pictures)
    share = matches / len(pictures) if pictures else 0.0
    return 0.95 * share if share >= 0.5 else 0.0


def photos(root: Path, config: Config) -> Listing:
    """List the photos of individuals that ``config`` asks for, with their labelled face box where there is one.

    ``meta`` holds kind, role, age, angle, shot and label: ``ok``, ``missing``, ``broken`` or ``no_box``. Reasons of
    what is left out: ``label``, ``broken_label``, ``family_photo``, ``age_photo``, ``angle``, ``too_young``,
    ``age_unknown``, ``duplicate``, ``name_not_understood`` and those of every layout.
    """
    sorter = Sorter()
    wanted: list[tuple[File, Name]] = []
    labels: list[File] = []
    for file in _best_first(files(root)):
        name = read_name(file.stem)
        if file.extension == ".json" and not file.fault:
            labels.append(file)
        elif not file.is_picture:
            sorter.skip(file, file.why_not_a_picture)
        elif name is None:
            sorter.skip(file, "family_photo" if _is_family_photo(file) else "name_not_understood")
        elif reason := _left_out(name, config):
            sorter.skip(file, reason)
        else:
            wanted.append((file, name))
    boxes = _read_labels(root, labels, sorter, {_stem(file) for file, _ in wanted})
    kept: set[str] = set()
    for file, name in wanted:
        stem = _stem(file)
        if stem in kept:
            sorter.skip(file, "duplicate")
            continue
        kept.add(stem)
        box, state = boxes.of(stem, name.role)
        meta = {"kind": name.kind, "role": name.role, "age": name.age, "angle": name.angle, "shot": name.shot}
        group = name.family if config.group == "family" else name.identity
        sorter.keep(Photo(file.path, name.identity, group, (box,) if box else (), {**meta, "label": state}))
    return sorter.listing()


def _read_labels(root: Path, labels: list[File], sorter: Sorter, stems: set[str]) -> Labels:
    """Read what may belong to a wanted photo: by its name, or a label whose name says nothing."""
    telling = [file for file in labels if label_stem(file.name) in stems or read_name(label_stem(file.name)) is None]
    boxes = Labels(root, telling)
    for file in labels:
        sorter.skip(file, "broken_label" if file.path in boxes.broken else "label")
    return boxes


def _stem(file: File) -> str:
    """What two files of one photo, and its label, have in common."""
    return _COPY.sub("", file.stem).casefold()


def _best_first(found: Iterable[File]) -> list[File]:
    """Of two files with one name the first is kept: rather unpacked than in an archive, rather no copy."""
    return sorted(found, key=lambda file: (file.archived, bool(_COPY.search(file.stem)), file.path))


def _is_family_photo(file: File) -> bool:
    folders = [part.casefold() for part in file.parts[:-1]]
    return any(re.fullmatch(r"(1\.?\s*)?family", part) for part in folders) or bool(
        re.match(r"F\d{4}_(?!IND|AGE)", file.name, re.IGNORECASE)
    )


def _left_out(name: Name, config: Config) -> str:
    """Why ``config`` does not want this photo, or an empty string."""
    if name.kind == "AGE" and not config.age_photos:
        return "age_photo"
    if name.kind == "IND" and name.angle not in config.angles:
        return "angle"
    if config.min_age and name.age is None:
        return "age_unknown"
    if name.age is not None and name.age < config.min_age:
        return "too_young"
    return ""
