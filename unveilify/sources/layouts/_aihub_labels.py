"""The label JSON of AI Hub 528: the face box of each photo, wherever the label lies and whatever state it is in."""

import os
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, FiniteFloat, ValidationError

from unveilify.core.errors import UserError
from unveilify.core.records import Box
from unveilify.core.storage import read_member
from unveilify.sources.listing import PICTURES, File

MAX_LABEL_BYTES = 2**20
"""A label is about 2 kB; anything larger is none."""


class _Lax(BaseModel):
    """Numbers may be strings; unknown keys are passed over."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)


class _BoundingBox(_Lax):
    x: FiniteFloat
    y: FiniteFloat
    w: FiniteFloat
    h: FiniteFloat


class _Region(_Lax):
    boundingbox: list[dict[str, object]] = []


class _Member(_Lax):
    personal_id: str = ""
    regions: list[_Region] = []


class _Label(_Lax):
    filename: str = ""
    member: list[_Member] = []


class Labels:
    """Face boxes by the stem of the photo's file name, compared without case.

    A label is matched by its own stem and by the ``filename`` inside, so renamed label files and mirrored folders
    (TL, VL, ``labeled``, ``family_json``) all work. ``broken`` holds the paths of those that could not be read.

    Args:
        root: the source's folder.
        found: its label files; of two labels of one photo the first is used.
    """

    def __init__(self, root: Path, found: Iterable[File]) -> None:
        self.broken: set[str] = set()
        self._broken_stems: set[str] = set()
        self._boxes: dict[str, list[tuple[str, Box | None]]] = {}
        for file in found:
            stem = label_stem(file.name)
            label = _read(root, file)
            if label is None:
                self.broken.add(file.path)
                self._broken_stems.add(stem)
                continue
            boxes = [(member.personal_id.upper(), _face_box(member)) for member in label.member]
            inner = label.filename.replace("\\", "/").rpartition("/")[2]
            for name in {stem, label_stem(inner)} - {""}:
                self._boxes.setdefault(name, boxes)

    def of(self, stem: str, role: str) -> tuple[Box | None, str]:
        """The face box of ``role`` in the photo ``stem`` (case-folded), and the state of its label.

        Returns:
            x, y, width, height in pixels with x, y >= 0, or None; and ``ok``, ``missing``, ``broken`` or ``no_box``.
        """
        members = self._boxes.get(stem)
        if members is None:
            return None, "broken" if stem in self._broken_stems else "missing"
        named = [box for person, box in members if person == role]
        box = next(iter(named or ([members[0][1]] if len(members) == 1 else [])), None)
        return box, "ok" if box else "no_box"


def label_stem(name: str) -> str:
    """``F0001_IND_D_18_0_01.jpg.json`` and ``F0001_IND_D_18_0_01.json`` both belong to ``f0001_ind_d_18_0_01``."""
    stem, extension = os.path.splitext(name)
    while extension.lower() in PICTURES or extension.lower() == ".json":
        name = stem
        stem, extension = os.path.splitext(name)
    return name.casefold()


def _face_box(member: _Member) -> Box | None:
    """Box 0 is the whole face; 1…6 are its parts, in no documented order."""
    items = (item for region in member.regions for item in region.boundingbox)
    face = next((item for item in items if str(item.get("idx")).strip() == "0"), {})
    try:
        raw = _BoundingBox.model_validate(face)
    except ValidationError:
        return None
    left, top = max(0.0, raw.x), max(0.0, raw.y)
    width, height = raw.x + raw.w - left, raw.y + raw.h - top
    return (left, top, width, height) if width > 0 and height > 0 else None


def _read(root: Path, file: File) -> _Label | None:
    try:
        data = read_member(root, file.path)
    except (OSError, UserError):
        return None
    if len(data) > MAX_LABEL_BYTES:
        return None
    for encoding in ("utf-8-sig", "cp949"):
        try:
            return _Label.model_validate_json(data.decode(encoding))
        except (UnicodeDecodeError, ValidationError):
            continue
    return None
