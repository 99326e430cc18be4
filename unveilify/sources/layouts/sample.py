"""The embedded sample: an AI-Hub-528-shaped tree of invented people, for a machine with no data.

Every photo is a warp of one public-domain portrait (`_portrait`), so nobody in it exists, and all of them have the
same teeth. It shows that the chain runs; a number measured on it says nothing about real faces.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from unveilify.core import paths, stage
from unveilify.core.config import Config as BaseConfig
from unveilify.core.config import build
from unveilify.core.engine import local
from unveilify.core.progress import track
from unveilify.core.storage import canonical_json
from unveilify.core.written import OutputFolder
from unveilify.sources.layouts.aihub import Config, photos

if TYPE_CHECKING:
    import numpy as np

    from unveilify.sources.layouts._render import Boxes

__all__ = ["Config", "SampleConfig", "make_sample", "photos", "recognises"]

MARKER = "SAMPLE.md"
TITLE = "# Synthetic sample: warps of one portrait, no real person"
NOTE = "synthetic: a warp of one public-domain portrait (NASA, scikit-image astronaut); no real person"
VIEWS = 4
JPEG_QUALITY = 93
FAMILIES = (("M", "S"), ("F", "M", "D"), ("GM",), ("GF", "F"), ("M", "D", "D2"), ("S",))
"""Who is in the families, in turn: two people on average, adults only."""
AGES = {"GF": (66, 79), "GM": (66, 79), "F": (42, 56), "M": (42, 56), "S": (19, 27), "D": (19, 27), "D2": (19, 27)}
MEN = frozenset({"GF", "F", "S"})
VALIDATION = 10
"""Every so many-th family lies in the Validation folder, as about a tenth does in AI Hub's."""

_README = f"""{TITLE}

This folder was written by `unveilify sample`. It has the names, folders and label files of AI Hub dataSetSn=528
(«가족 관계가 알려진 얼굴 이미지 데이터»), but no picture of it: every photo here is computed from one portrait,
`skimage.data.astronaut` (NASA, Great Images in Nasa; public domain), by warping and recolouring.
The families, ages and kinships are invented.

Use it to see the program run. Do not use it for a claim about quality, people or groups of people.
"""


class SampleConfig(BaseConfig):
    """What is invented. Equal settings give equal files on one machine."""

    people: int = Field(60, ge=1, le=4000, description="invented people, two per family on average, 4 photos each")
    seed: int = Field(0, ge=0, description="another seed, other people")
    size_px: int = Field(448, ge=128, le=2048, multiple_of=4, description="side of the square photos")


@dataclass(frozen=True, slots=True)
class Member:
    """One invented person. ``number`` counts through the whole sample and feeds the random draws."""

    number: int
    family: int
    role: str

    def stem(self, age: int, shot: int) -> str:
        """The file name without its extension, as AI Hub spells it."""
        return f"F{self.family:04d}_IND_{self.role}_{age}_0_{shot:02d}"

    def folder(self, letter: str) -> str:
        """``letter`` S: where the photos lie; L: the labels."""
        part, kind = ("2.Validation", "V") if self.family % VALIDATION == 0 else ("1.Training", "T")
        data = "원천데이터" if letter == "S" else "라벨링데이터"
        side = "B(외가)" if self.family % 3 == 0 else "A(친가)"
        return f"{part}/{data}/{kind}{letter}{self.family:04d}/{side}/2.Individuals"


def recognises(root: Path) -> float:
    """Whether the folder says in its `MARKER` that it is a sample."""
    try:
        return 0.99 if (root / MARKER).read_text(encoding="utf-8").startswith(TITLE) else 0.0
    except (OSError, UnicodeDecodeError):
        return 0.0


def make_sample(root: Path, people: int = 60, seed: int = 0, *, size_px: int = 448, workers: int | None = None) -> int:
    """Write the sample into ``root``, or what is missing of it.

    Returns:
        The number of photos written now; 0 says that the sample was complete.

    Raises:
        UserError: ``root`` is no folder, holds files that are not ours or a sample with other settings, or a setting is
            out of range.
    """
    config = build(SampleConfig, {"people": people, "seed": seed, "size_px": size_px})
    paths.check(root)
    with stage.opened(root, "sample", config, "") as out:
        if out.done is not None:
            return 0
        out.write_text(MARKER, _README)
        members = _members(people)
        todo = [member for member in members if not out.keep(*_names(config, member))]
        written = 0
        with track("sample", people * VIEWS) as line:
            line.advance(VIEWS * (people - len(todo)), already=True)
            work = partial(_make_person, OutputFolder(root), config)
            for new in local.map_parts(work, todo, workers or local.cores()):
                written += new
                line.advance(VIEWS)
        families = len({member.family for member in members})
        out.commit({"photos": people * VIEWS, "people": people, "families": families})
        return written


def _members(people: int) -> list[Member]:
    members: list[Member] = []
    family = 0
    while len(members) < people:
        for role in FAMILIES[family % len(FAMILIES)][: people - len(members)]:
            members.append(Member(len(members), family + 1, role))
        family += 1
    return members


def _age(config: SampleConfig, member: Member) -> tuple["np.random.Generator", int]:
    """The draws of a person, from the age on."""
    import numpy as np

    rng = np.random.default_rng([config.seed, member.number])
    return rng, int(rng.integers(*AGES[member.role], endpoint=True))


def _names(config: SampleConfig, member: Member) -> list[str]:
    """Photo and label, for every view in turn."""
    _, age = _age(config, member)
    stems = [member.stem(age, shot) for shot in range(1, VIEWS + 1)]
    return [f"{member.folder(x)}/{stem}.{end}" for stem in stems for x, end in (("S", "jpg"), ("L", "json"))]


def _make_person(out: OutputFolder, config: SampleConfig, member: Member) -> int:
    """Write the photos and labels of one person; how many photos that is."""
    import cv2
    import numpy as np

    from unveilify.sources.layouts import _people, _render
    from unveilify.sources.layouts._portrait import portrait

    rng, age = _age(config, member)
    person = _people.invent(rng, male=member.role in MEN, age=age)
    painted = _render.paint(portrait(), person)
    names = _names(config, member)
    for shot, (photo, label) in enumerate(zip(names[::2], names[1::2], strict=True), 1):
        view = _people.pose(np.random.default_rng([config.seed, member.number, shot]))
        image, boxes = _render.photograph(portrait(), painted, person, view, config.size_px)
        bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()
        comment = NOTE.encode("ascii")  # a COM segment right after the start of the image: the file says what it is
        out.write_bytes(photo, data[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + data[2:])
        out.write_bytes(label, canonical_json(_label(member, age, member.stem(age, shot), boxes)))
    return VIEWS


def _label(member: Member, age: int, stem: str, boxes: "Boxes") -> dict[str, object]:
    """AI Hub's label, numbers as strings as there, and the note that this is nobody."""
    found = [
        {"idx": str(number - 1), **{name: str(value) for name, value in zip("xywh", box, strict=True)}}
        for number, box in sorted(boxes.items())
    ]
    person = {"personal_id": member.role, "age": str(age), "regions": [{"boundingbox": found}]}
    return {"family_id": f"F{member.family:04d}", "filename": f"{stem}.jpg", "note": NOTE, "member": [person]}
