"""One file never stops a run: each of these is a reject with a name, and the good photo beside it is made."""

import json
import os
import struct
import subprocess
import zlib
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from unveilify.core.errors import PhotoError
from unveilify.core.pictures import encode_jpeg
from unveilify.core.records import Photo
from unveilify.core.storage import files_below
from unveilify.evaluation import real_photos
from unveilify.evaluation.config import RealConfig
from unveilify.faces.find import Finder, find_face
from unveilify.sources.listing import readable
from unveilify.synth import part, photos
from unveilify.synth.config import SynthConfig
from unveilify.synth.photos import Masking, mask_photos
from unveilify.synth.run import run
from unveilify.training import unpaired
from unveilify.training.config import CycleConfig

RGB = NDArray[np.uint8]


def png(width: int, height: int) -> bytes:
    """The head of a picture of that size, and next to nothing behind it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(3000))) + chunk(b"IEND", b"")


def test_hostile_files_and_names(tmp_path: Path, astronaut: RGB) -> None:
    good = encode_jpeg(astronaut[0:240, 100:340], 90)
    person = tmp_path / "photos/person"
    person.mkdir(parents=True)
    names = [b"good.jpg", b"\xff\xfe.jpg", b"\\udcff\\udcfe.jpg", b"x" * 245 + b".jpg", b"a\nb.jpg", b"\x1b[31m.jpg"]
    for name in names:
        with open(os.fsencode(person) + b"/" + name, "wb") as file:
            file.write(good)
    for name, data in {
        "zero.jpg": b"",
        "bomb.png": png(60_000, 60_000),
        "absurd.png": png(2**31 - 1, 2**31 - 1),
        "lying.png": png(4000, 4000),
        "flat.png": png(1, 1),
    }.items():
        (person / name).write_bytes(data)
    (person / "folder.jpg").mkdir()
    os.mkfifo(person / "pipe.jpg")
    (person / "dangling.jpg").symlink_to("nowhere.jpg")
    (person / "loop.jpg").symlink_to("loop.jpg")
    stamp = run(SynthConfig(size_px=64, max_rejects=1, layout="folder"), tmp_path / "photos", tmp_path / "out")
    rows = pd.read_parquet(tmp_path / "out/manifest.parquet").set_index("photo")
    assert rows.index.is_unique
    assert (rows["status"] == "target").sum() == len(names)
    reasons = rows["reason"].to_dict()
    assert reasons["person/zero.jpg"] == "empty"
    assert reasons["person/bomb.png"] == reasons["person/absurd.png"] == "too_large"
    assert reasons["person/lying.png"] == "unreadable"
    assert stamp.counts["skipped.not_a_file"] == 3
    for file in (tmp_path / "out").rglob("*.json"):
        json.loads(file.read_text())


def test_folders_nested_deeper_than_python_goes(tmp_path: Path, astronaut: RGB) -> None:
    good = encode_jpeg(astronaut[0:240, 100:340], 90)
    top = tmp_path / "photos/person"
    top.mkdir(parents=True)
    (top / "good.jpg").write_bytes(good)
    here = os.open(top, os.O_RDONLY)
    for _ in range(1200):
        os.mkdir("d", dir_fd=here)
        above, here = here, os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(above)
    with open(os.open("deep.jpg", os.O_CREAT | os.O_WRONLY, dir_fd=here), "wb") as file:
        file.write(good)
    os.close(here)
    source = tmp_path / "photos"
    try:
        stamp = run(SynthConfig(size_px=64, layout="folder"), source, tmp_path / "out")
        assert stamp.counts["target"] == 2
        counts = mask_photos(source, tmp_path / "masked", Masking())
        assert counts == {"masked": 1, "unusable_name": 1}
        assert len(unpaired.listed(CycleConfig(photos=source))) == len(list(files_below(source))) == 2
        assert len(real_photos.find(RealConfig(folders=(source,))).masked) == 2
    finally:
        subprocess.run(["rm", "-rf", source], check=True)  # what tidies up after tests goes no deeper, either


@pytest.mark.parametrize(
    "box", [(1e308, 0, 1e308, 5), (0, 0, float("nan"), 5), (0, 0, float("inf"), 5), (-1e308, 0, 9, 9)]
)
def test_boxes_of_another_world(astronaut: RGB, box: tuple[float, float, float, float]) -> None:
    assert find_face(Finder(), astronaut, [box]) == "bad_label"
    assert find_face(Finder(), astronaut, [(5, 5, -3, 9)]) == "no_face"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (cv2.error("-215"), "cannot_be_drawn"),
        (ValueError(), "cannot_be_drawn"),
        (ZeroDivisionError(), "cannot_be_drawn"),
        (IndexError(), "cannot_be_drawn"),
        (MemoryError(), "cannot_be_drawn"),
        (PhotoError("odd landmarks"), "unusable_landmarks"),
    ],
    ids=repr,
)
def test_a_photo_on_which_drawing_fails(
    tmp_path: Path, astronaut: RGB, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    (tmp_path / "photos/person").mkdir(parents=True)
    (tmp_path / "photos/person/1.jpg").write_bytes(encode_jpeg(astronaut[0:240, 100:340], 90))

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(part, "draw", fail)
    run(SynthConfig(size_px=64, max_rejects=1, layout="folder"), tmp_path / "photos", tmp_path / "out")
    assert pd.read_parquet(tmp_path / "out/manifest.parquet")["reason"].tolist() == [reason]
    monkeypatch.setattr(photos, "draw_on", fail)
    assert mask_photos(tmp_path / "photos", tmp_path / "masked", Masking()) == {reason: 1}


def test_two_names_never_become_one() -> None:
    raw = [b"\xff", b"\\xff", b"\\\\xff", b"\\\xff", b"\\udcff", b"\\\\udcff", b"\xed\xb3\xbf", b"a\\b"]
    names = [os.fsdecode(name) for name in raw]
    assert len({Photo(name, "", "").label for name in names}) == len(raw)
    assert len({readable(name) for name in names}) == len(raw)
    assert readable("a\\b") == Photo("a\\b", "", "").label == "a\\b"
