"""An AI-Hub-528-shaped tree with every oddity seen in the wild, and what a reader must make of each file."""

import json
import os
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path

import cv2
import numpy as np
import pytest

IMAGES, LABELS = "원천데이터", "라벨링데이터"
SIDE_A, SIDE_B = "A(친가)", "B(외가)"
MOJIBAKE = SIDE_A.encode("cp949").decode("cp437")
RAW = os.fsdecode(SIDE_A.encode("cp949"))
KINDS = ("1.Family", "2.Individuals", "3.Age")
Members = dict[str, bytes]


class _Korean(zipfile.ZipInfo):
    """A member whose name is written in CP949 without the UTF-8 flag, as Korean Windows does."""

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802
        return self.filename.encode("cp949"), self.flag_bits


def write_zip(path: Path, members: Members, info: type[zipfile.ZipInfo] = zipfile.ZipInfo) -> list[str]:
    """Write an archive; the names as `zipfile` will read them back."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(info(name), data, zipfile.ZIP_DEFLATED)
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


class AIHub:
    """Writes the tree and keeps book: ``people`` maps the path of each photo to its identity, ``left`` to reasons."""

    def __init__(self, root: Path, portraits: Iterator[list[bytes]], grouped: range = range(11, 13)) -> None:
        self.root, self.portraits, self.grouped = root, portraits, grouped
        self.people: dict[str, str] = {}
        self.left: dict[str, str] = {}
        self.labels: dict[str, str] = {}
        """Photo path to the state that its label must be in."""
        self._plain_families()
        self._archived_families()
        self._bad_files()
        self._mirrored_labels()
        self._duplicates()

    def file(self, path: str, data: bytes) -> str:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        return path

    def person(self, family: int, role: str, age: int, end: str = "jpg") -> Members:
        """The two wanted photos of a person under AI Hub's names."""
        front, second = next(self.portraits)
        stem = f"F{family:04d}_IND_{role}_{age}"
        return {f"{stem}_0_01.{end}": front, f"{stem}_45_CAM.{end}": second}

    def label(self, name: str, role: str, **box: object) -> bytes:
        face = {"idx": "0", "x": "10", "y": "20", "w": "100", "h": "120"} | box
        parts = [{"idx": str(i), "x": "1", "y": "2", "w": "3", "h": "4"} for i in range(6, 0, -1)]
        member = {"personal_id": role, "age": "40", "regions": [{"boundingbox": [*parts, face]}], "gender": "?"}
        return json.dumps({"family_id": name[:5], "filename": name, "member": [member], "licence": 1}).encode()

    def _plain_families(self) -> None:
        """Training, unpacked: the usual tree, and folders whose Hangul was read as CP437 or left as raw bytes."""
        base = f"045.가족/01.데이터/1.Training/{IMAGES}"
        for family, side in ((1, SIDE_A), (2, MOJIBAKE), (3, RAW), (4, "A")):
            for empty in KINDS:
                (self.root / f"{base}/TS{family:04d}/{SIDE_B}/{empty}").mkdir(parents=True)
            folder = f"{base}/TS{family:04d}/{side}"
            roles = {"GF": 71, "M": 45, "S2": 17}
            for role, age in roles.items():
                for name, data in self.person(family, role, age, "JPG" if family == 4 else "jpg").items():
                    path = self.file(f"{folder}/2.Individuals/{name}", data)
                    self.people[path] = f"F{family:04d}_{role}"
                    self.labels[path] = "ok"
                    label = f"{folder}/2.Individuals/{name[:-4]}.json".replace(IMAGES, LABELS).replace("TS", "TL")
                    self.left[self.file(label, self.label(name, role))] = "label"
                side_view = f"{folder}/2.Individuals/F{family:04d}_IND_{role}_{age}_90_03.jpg"
                self.left[self.file(side_view, data)] = "angle"
                for letter in "ae":
                    old = f"{folder}/3.Age/F{family:04d}_AGE_{role}_{age}_{letter}1.jpg"
                    self.left[self.file(old, data)] = "age_photo"
            for name in (f"F{family:04d}_FAM_01.jpg", f"F{family:04d}_1.JPG", "together.jpg"):
                self.left[self.file(f"{folder}/1.Family/{name}", data)] = "family_photo"
            self.file(f"{folder}/.DS_Store", b"\0")
            self.file(f"{folder}/2.Individuals/._F0001_IND_M_45_0_01.jpg", b"\0")

    def _archived_families(self) -> None:
        """A group zip with a level too many, zips per family from Korean Windows and with backslashes."""
        group: Members = {"TS0011to0012/.DS_Store": b"", "__MACOSX/._x.jpg": b""}
        owners: dict[str, str] = {}
        for family in self.grouped:
            for name, data in self.person(family, "F", 52).items():
                group[f"TS0011to0012/TS{family:04d}/TS{family:04d}/{SIDE_A}/2.Individuals/{name}"] = data
                owners[name] = f"F{family:04d}_F"
        self._archive(f"01.데이터/1.Training/{IMAGES}_0105_add/TS0011to0012.zip", group, owners, zipfile.ZipInfo)
        for family, info, separator in ((801, _Korean, "/"), (802, _Korean, "\\"), (803, zipfile.ZipInfo, "/")):
            members: Members = {}
            owners = {}
            labels: Members = {}
            for role, age in {"GM": 68, "D": 12}.items():
                for name, data in self.person(family, role, age, "jpeg").items():
                    members[separator.join((SIDE_B, "2.Individuals", name))] = data
                    owners[name] = f"F{family:04d}_{role}"
                    labels[separator.join((SIDE_B, "2.Individuals", f"{name[:-5]}.json"))] = self.label(name, role)
            self._archive(f"01.데이터/2.Validation/{IMAGES}/VS{family:04d}.zip", members, owners, info, "ok")
            path = f"01.데이터/2.Validation/{LABELS}/VL{family:04d}.ZIP"
            for member in write_zip(self.root / path, labels, info):
                self.left[f"{path}!{member}"] = "label"

    def _archive(
        self, path: str, members: Members, owners: dict[str, str], info: type[zipfile.ZipInfo], state: str = "missing"
    ) -> None:
        for member in write_zip(self.root / path, members, info):
            name = member.replace("\\", "/").rpartition("/")[2]
            if name in owners:
                self.people[f"{path}!{member}"] = owners[name]
                self.labels[f"{path}!{member}"] = state

    def _bad_files(self) -> None:
        base = f"01.데이터/1.Training/{IMAGES}/TS0020/TS0020/{SIDE_A}/2.Individuals"
        front, _ = next(self.portraits)
        for name, data in (("F0020_IND_D_30_0_01.jpg", b""), ("F0020_IND_D_30_0_02.jpg", b"no picture at all\n")):
            path = self.file(f"{base}/{name}", data)  # only opening it tells: the reader keeps it, synth rejects it
            self.people[path], self.labels[path] = "F0020_D", "missing"
        for name, label, state in (
            ("F0020_IND_M_55_0_01.jpg", b'{"family_id": "F0020", "member": [', "broken"),
            ("F0020_IND_M_55_0_02.jpg", b"\xff\xfe\x00", "broken"),
            ("F0020_IND_M_55_0_03.jpg", b'{"member": [{"personal_id": "M", "regions": []}]}', "no_box"),
            ("F0020_IND_M_55_0_04.jpg", self.label("", "M", w="-3"), "no_box"),
            ("F0020_IND_M_55_0_05.jpg", self.label("", "M", x="-10", y=-20.0), "ok"),
        ):
            path = self.file(f"{base}/{name}", front)
            self.people[path], self.labels[path] = "F0020_M", state
            where = self.file(f"labels/F0020/{name[:-4]}.json", label)
            self.left[where] = "broken_label" if state == "broken" else "label"
        self.left[self.file(f"{base}/readme.txt", b"hello")] = "not_a_picture"
        self.left[self.file(f"{base}/me and the dog.jpg", front)] = "name_not_understood"
        self.left[self.file("01.데이터/TS0500.zip", b"PK broken")] = "broken_archive"
        self.left[self.file("01.데이터/TS0501.zip.part0", b"PK")] = "archive_not_read"

    def _mirrored_labels(self) -> None:
        """Flattened photos; labels elsewhere, renamed, or with the picture's extension inside the name."""
        for role, place in (
            ("F", "family_json/{stem}.json"),
            ("M", "labeled/F0030/{stem}.jpg.json"),
            ("D2", "labeled/{number}.json"),
            ("S", ""),
        ):
            for number, (name, data) in enumerate(self.person(30, role, 33).items()):
                path = self.file(f"family_dataset/individuals/{name}", data)
                self.people[path], self.labels[path] = f"F0030_{role}", "ok" if place else "missing"
                if place:
                    where = place.format(stem=name[:-4], number=number)
                    self.left[self.file(where, self.label(name, role))] = "label"

    def _duplicates(self) -> None:
        first = next(path for path, person in self.people.items() if person == "F0001_GF")
        data = (self.root / first).read_bytes()
        name = Path(first).name
        self.left[self.file(f"backup/{name[:-4]} (1).jpg", data)] = "duplicate"
        self.left[self.file(f"{Path(first).parent}/copies/{name[:-4]}.JPG", data)] = "duplicate"
        for member in write_zip(self.root / "TS0001.zip", {f"TS0001/{name}": data}):
            self.left[f"TS0001.zip!{member}"] = "duplicate"

    @property
    def reasons(self) -> Counter[str]:
        return Counter(self.left.values())


@pytest.fixture(scope="session")
def tiny_jpeg() -> bytes:
    return bytes(cv2.imencode(".jpg", np.full((16, 16, 3), 127, np.uint8))[1])


@pytest.fixture
def aihub_tree(tmp_path: Path, tiny_jpeg: bytes) -> AIHub:
    """The tree with grey squares for faces."""
    return AIHub(tmp_path / "aihub", cycle([[tiny_jpeg, tiny_jpeg]]))


@pytest.fixture
def make_aihub() -> Callable[[Path, Iterator[list[bytes]], range], AIHub]:
    return AIHub


@pytest.fixture
def make_zip() -> Callable[[Path, Members], list[str]]:
    return write_zip
