import json
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from unveilify.core.errors import UserError
from unveilify.core.landmarks import Landmarks
from unveilify.core.pictures import decode, encode_png
from unveilify.core.words import cell
from unveilify.masks.compose import compose
from unveilify.masks.config import MaskConfig
from unveilify.masks.draw import draw
from unveilify.masks.recipe import Recipe
from unveilify.synth.photos import Masking, mask_photos

RGB = NDArray[np.uint8]
PLAIN = Masking(mask=MaskConfig(styles={"surgical": 1.0}))


@pytest.fixture
def folder(tmp_path: Path, astronaut: RGB) -> Path:
    """One photo with two faces in a sub-folder, one without any, one that is no picture."""
    root = tmp_path / "photos"
    (root / "a").mkdir(parents=True)
    (root / "a/two.png").write_bytes(encode_png(np.hstack([part := astronaut[0:240, 100:340], part[:, ::-1]])))
    (root / "none.png").write_bytes(encode_png(np.full((64, 64, 3), 128, np.uint8)))
    (root / "text.jpg").write_bytes(b"no picture")
    return root


def test_every_photo_is_accounted_for(folder: Path, tmp_path: Path) -> None:
    counts = mask_photos(folder, tmp_path / "out", PLAIN)
    assert counts == {"masked": 1, "no_face": 1, "unreadable": 1}
    rows = pd.read_csv(tmp_path / "out/manifest.csv")
    assert set(rows["photo"]) == {"a/two.png", "none.png", "text.jpg"}


def test_no_name_in_the_table_is_a_formula(tmp_path: Path) -> None:
    names = ["=1+1.jpg", "@SUM(1).jpg", "-2+3.jpg", "+1.jpg", "\x1b[31m.jpg", " =1.jpg"]
    (tmp_path / "photos").mkdir()
    for name in names:
        (tmp_path / "photos" / name).write_bytes(b"no picture")
    mask_photos(tmp_path / "photos", tmp_path / "out", PLAIN)
    cells = pd.read_csv(tmp_path / "out/manifest.csv")["photo"].tolist()
    assert sorted(cells) == sorted(map(cell, names))
    assert not any(text.lstrip().startswith(("=", "@", "-", "+", "\x1b")) for text in cells)


def test_what_is_beside_the_photo_redraws_it(folder: Path, tmp_path: Path) -> None:
    mask_photos(folder, tmp_path / "out", PLAIN)
    before = decode((folder / "a/two.png").read_bytes())
    masked = decode((tmp_path / "out/a/two.png").read_bytes())
    alpha = cv2.imread(str(tmp_path / "out/a/two.png.mask.png"), cv2.IMREAD_UNCHANGED)
    assert masked.shape == before.shape
    assert (alpha > 0).any()
    assert np.array_equal(masked[alpha == 0], before[alpha == 0])
    drawn = json.loads((tmp_path / "out/a/two.png.mask.json").read_text())["faces"]
    assert len(drawn) == 2
    again = before
    for face in drawn:
        points = np.array(face["landmarks"]["points"], np.float32)
        again = compose(again, draw(again, Landmarks(points, face["landmarks"]["scheme"]), Recipe(**face["mask"])))
    assert np.array_equal(again, masked)


def test_done_photos_are_kept_until_the_settings_change(folder: Path, tmp_path: Path) -> None:
    mask_photos(folder, tmp_path / "out", PLAIN)
    path = tmp_path / "out/a/two.png"
    first = path.stat().st_mtime_ns
    mask_photos(folder, tmp_path / "out", PLAIN)
    assert path.stat().st_mtime_ns == first
    other = Masking(mask=PLAIN.mask, seed=1)
    with pytest.raises(UserError, match="seed: 0 -> 1"):
        mask_photos(folder, tmp_path / "out", other)
    assert path.stat().st_mtime_ns == first
    mask_photos(folder, tmp_path / "out", other, force=True)
    assert path.stat().st_mtime_ns > first


def test_aligned_crops_need_no_face_found(tmp_path: Path, astronaut: RGB) -> None:
    crop = cv2.resize(np.full((112, 112, 3), 150, np.uint8), (112, 112))
    (tmp_path / "crops").mkdir()
    (tmp_path / "crops/a.png").write_bytes(encode_png(crop))
    assert mask_photos(tmp_path / "crops", tmp_path / "out", PLAIN) == {"no_face": 1}
    masking = Masking(mask=PLAIN.mask, aligned=True)
    assert mask_photos(tmp_path / "crops", tmp_path / "out2", masking) == {"masked": 1}


def test_the_photos_themselves_are_never_replaced(folder: Path) -> None:
    with pytest.raises(UserError, match="read and what is written"):
        mask_photos(folder, folder, PLAIN)
