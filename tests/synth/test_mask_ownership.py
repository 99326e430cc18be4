"""`mask` writes beside people's files: it loses none, replaces none, and says of each what became of it."""

import json
import os
import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow

from unveilify.core import stamps
from unveilify.core.errors import UserError
from unveilify.core.pictures import encode_jpeg, encode_png, read_picture
from unveilify.masks.config import MaskConfig
from unveilify.synth.photos import Masking, mask_photo, mask_photos

RGB = NDArray[np.uint8]
PLAIN = Masking(mask=MaskConfig(styles={"surgical": 1.0}))


@pytest.fixture
def face(astronaut: RGB) -> bytes:
    return encode_jpeg(astronaut[0:240, 100:340], 90)


def filed(root: Path, **photos: bytes) -> Path:
    for name, data in photos.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def rows(out: Path) -> dict[str, str]:
    table = pd.read_csv(out / "manifest.csv", keep_default_na=False)
    assert table["photo"].is_unique
    return dict(zip(table["photo"], table["status"], strict=True))


def test_another_source_does_not_replace_the_first(tmp_path: Path, face: bytes, digests: Callable[..., object]) -> None:
    a, b, out = filed(tmp_path / "a", **{"x.jpg": face}), filed(tmp_path / "b", **{"x.jpg": face}), tmp_path / "out"
    mask_photos(a, out, PLAIN)
    before = digests(out)
    with pytest.raises(UserError, match="another input"):
        mask_photos(b, out, PLAIN)
    assert digests(out) == before


def test_foreign_files_are_never_replaced(tmp_path: Path, face: bytes) -> None:
    source, out = filed(tmp_path / "a", **{"x.jpg": face}), filed(tmp_path / "out", **{"x.jpg": b"mine"})
    with pytest.raises(UserError, match="not made by"):
        mask_photos(source, out, PLAIN)
    (out / "x.jpg").unlink()
    mask_photos(source, out, PLAIN)
    (out / "mine.txt").write_text("mine")
    (out / "y.jpg").write_bytes(b"mine")
    filed(source, **{"y.jpg": face})
    with pytest.raises(UserError, match="in the way"):
        mask_photos(source, out, PLAIN)
    mask_photos(filed(tmp_path / "c", **{"x.jpg": face}), out, PLAIN, force=True)
    assert (out / "y.jpg").read_bytes() == b"mine"
    assert (out / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize("out", ["a", "a/out", "."])
def test_input_and_output_do_not_overlap(tmp_path: Path, face: bytes, out: str) -> None:
    source = filed(tmp_path / "a", **{"x.jpg": face})
    with pytest.raises(UserError):
        mask_photos(source, tmp_path / out, PLAIN)
    assert sorted(p.name for p in source.rglob("*")) == ["x.jpg"]


def test_what_was_masked_is_not_masked_again(tmp_path: Path, face: bytes) -> None:
    source = filed(tmp_path / "a", **{"x.jpg": face})
    mask_photos(source, tmp_path / "out", PLAIN)
    with pytest.raises(UserError, match="photos themselves"):
        mask_photos(tmp_path / "out", tmp_path / "again", PLAIN)
    shutil.copytree(tmp_path / "out", source / "old")
    assert mask_photos(source, tmp_path / "third", PLAIN)["masked"] == 1
    assert rows(tmp_path / "third")["old/x.jpg"] == "already_masked"


def test_one_photo_may_go_to_a_folder_beside_it(tmp_path: Path, face: bytes) -> None:
    source = filed(tmp_path / "a", **{"x.jpg": face, "y.jpg": face})
    assert mask_photos(source / "x.jpg", source / "out", PLAIN) == {"masked": 1}
    assert (source / "out/x.jpg").is_file()


def test_every_file_has_its_row(tmp_path: Path, face: bytes) -> None:
    source = filed(
        tmp_path / "a",
        **{
            "x.jpg": face,
            ".hidden.jpg": face,
            "raw.cr2": b"?",
            "notes.txt": b"?",
            "empty.jpg": b"",
            "cut.jpg": face[:900],
        },
    )
    (source / "folder.jpg").mkdir()
    (source / "pipe.jpg").parent.mkdir(exist_ok=True)
    os.mkfifo(source / "pipe.jpg")
    (source / "dangling.jpg").symlink_to("nowhere.jpg")
    (source / "loop.jpg").symlink_to("loop.jpg")
    (tmp_path / "outside.jpg").write_bytes(face)
    (source / "leaves.jpg").symlink_to(tmp_path / "outside.jpg")
    counts = mask_photos(source, tmp_path / "out", PLAIN)
    assert rows(tmp_path / "out") == {
        "x.jpg": "masked",
        ".hidden.jpg": "hidden",
        "raw.cr2": "unsupported_format",
        "notes.txt": "not_a_picture",
        "empty.jpg": "empty",
        "cut.jpg": "unreadable",
        "pipe.jpg": "not_a_file",
        "dangling.jpg": "not_a_file",
        "loop.jpg": "not_a_file",
        "leaves.jpg": "leaves_folder",
    }
    assert sum(counts.values()) == 10


def test_names_never_collide(tmp_path: Path, face: bytes) -> None:
    names = ["a.jpg", "a.jpg.mask.png", "A.jpg", "é.jpg", unicodedata.normalize("NFD", "é.jpg"), "x" * 245 + ".jpg"]
    source = filed(tmp_path / "a", **dict.fromkeys(names, face))
    with open(os.fsencode(source) + b"/\xff.jpg", "wb") as file:
        file.write(face)
    (source / "\\udcff.jpg").write_bytes(face)
    out = tmp_path / "out"
    assert mask_photos(source, out, PLAIN) == {"masked": len(names) + 2}
    table = pd.read_csv(out / "manifest.csv")
    plain = [unicodedata.normalize("NFC", name).casefold() for name in table["output"]]
    plain += [name + ending for name in plain for ending in (".mask.png", ".mask.json")]
    assert len(set(plain)) == 3 * (len(names) + 2)
    assert all((out / name).is_file() for name in table["output"])
    assert table["photo"].is_unique


def test_damaged_results_are_made_again(tmp_path: Path, face: bytes, digests: Callable[..., dict[str, str]]) -> None:
    source, out = filed(tmp_path / "a", **{"x.jpg": face, "y.jpg": face}), tmp_path / "out"
    mask_photos(source, out, PLAIN)
    before = digests(out)
    (out / "x.jpg").unlink()
    (out / "y.jpg.mask.png").write_bytes(b"damaged")
    assert mask_photos(source, out, PLAIN) == {"masked": 2}
    after = digests(out)
    assert {n: d for n, d in after.items() if not n.startswith((".", "_"))} == {
        n: d for n, d in before.items() if not n.startswith((".", "_"))
    }


def test_new_and_removed_photos_are_followed(tmp_path: Path, face: bytes) -> None:
    source, out = filed(tmp_path / "a", **{"x.jpg": face, "y.jpg": face}), tmp_path / "out"
    mask_photos(source, out, PLAIN)
    first = (out / "x.jpg").stat().st_mtime_ns
    (source / "y.jpg").rename(source / "z.jpg")
    mask_photos(source, out, PLAIN)
    assert (out / "x.jpg").stat().st_mtime_ns == first
    assert (out / "z.jpg").is_file()
    assert not (out / "y.jpg").exists()
    stamp = stamps.read(out, "mask", "unveilify mask")
    assert set(stamp.files) == {"manifest.csv", *(f"{n}.jpg{e}" for n in "xz" for e in ("", ".mask.png", ".mask.json"))}


def test_what_a_photo_is_stays(tmp_path: Path, astronaut: RGB) -> None:
    source, part = tmp_path / "a", Pillow.fromarray(astronaut[0:240, 100:340])
    source.mkdir()
    part.convert("L").save(source / "grey.jpg")
    clear = part.copy()
    clear.putalpha(Pillow.fromarray(np.tile(np.arange(240, dtype=np.uint8), (240, 1))))
    clear.save(source / "clear.png")
    turned = Pillow.Exif()
    turned[0x0112] = 3
    part.transpose(Pillow.Transpose.ROTATE_180).save(source / "turned.jpg", exif=turned)
    part.convert("CMYK").save(source / "cmyk.jpg")
    pytest.importorskip("pillow_heif").register_heif_opener()
    part.save(source / "phone.heic")
    part.rotate(180).save(source / "head_down.jpg")
    out = tmp_path / "out"
    assert mask_photos(source, out, PLAIN) == {"masked": 6}
    assert read_picture(out / "grey.jpg").one_channel
    before, after = read_picture(source / "clear.png"), read_picture(out / "clear.png")
    assert np.array_equal(before.alpha, after.alpha)
    assert Pillow.open(out / "turned.jpg").getexif().get(0x0112, 1) == 1
    assert read_picture(out / "phone.heic").image.shape == (240, 240, 3)
    table = pd.read_csv(out / "manifest.csv", keep_default_na=False).set_index("photo")
    assert table.loc["cmyk.jpg", "not_kept"] == "colours"
    # the mask of a photo on its head lies in its upper half, over the mouth
    alpha = read_picture(out / "head_down.jpg.mask.png").image[..., 0]
    upright = read_picture(out / "turned.jpg.mask.png").image[..., 0]
    rows_of = [float(np.nonzero(a)[0].mean()) for a in (alpha[::-1], upright)]
    assert abs(rows_of[0] - rows_of[1]) < 15


def test_landmarks_of_another_size_reject_one_photo(tmp_path: Path, face: bytes) -> None:
    source = filed(tmp_path / "a", **{"x.jpg": face, "y.jpg": face})
    far = [[9e3 + i, 9e3 + j] for i in range(5) for j in range(1)]
    near = [[105, 95], [145, 95], [125, 118], [110, 140], [140, 140]]
    for points in (far, near):
        marks = tmp_path / f"{points[0][0]}.json"
        marks.write_text(json.dumps({"x.jpg": [{"points": points}], "y.jpg": [{"points": near}]}))
        masking = Masking(mask=PLAIN.mask, landmarks=f"sidecar:{marks}")
        counts = mask_photos(source, tmp_path / f"out{points[0][0]}", masking)
        assert counts["masked"] == (2 if points is near else 1), counts


def test_one_photo_goes_into_one_file(tmp_path: Path, face: bytes) -> None:
    """The same masks as in a folder, of the kind that the name says, and nothing beside it."""
    filed(tmp_path, **{"me.jpg": face, "wall.png": encode_png(np.full((64, 64, 3), 99, np.uint8))})
    assert mask_photo(tmp_path / "me.jpg", tmp_path / "new/me.png", PLAIN) == ()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["me.png"]
    mask_photos(tmp_path / "me.jpg", tmp_path / "folder", PLAIN)
    folder, alone = (read_picture(tmp_path / name).image.astype(int) for name in ("folder/me.jpg", "new/me.png"))
    assert np.abs(folder - alone).mean() < 2, "but for JPEG"
    for photo, result, said in (
        ("me.jpg", "new/me.png", "there already"),
        ("me.jpg", "me.jpg", "would be replaced"),
        ("wall.png", "new/wall.png", "no_face"),
        ("me.jpg", "folder/other.png", "keeps for its own output"),
    ):
        with pytest.raises(UserError, match=said):
            mask_photo(tmp_path / photo, tmp_path / result, PLAIN)
    assert (tmp_path / "me.jpg").read_bytes() == face
    mask_photo(tmp_path / "me.jpg", tmp_path / "new/me.png", PLAIN, replace=True)
