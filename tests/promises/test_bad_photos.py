"""Every photo is accounted for: each kind of bad one is a named reject, and costs nothing else."""

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow

from unveilify.synth.config import SynthConfig
from unveilify.synth.run import run

RGB = NDArray[np.uint8]


def jpeg(image: RGB, **options: object) -> bytes:
    file = io.BytesIO()
    Pillow.fromarray(image).save(file, "JPEG", quality=92, **options)
    return file.getvalue()


@pytest.fixture
def source(tmp_path: Path, astronaut: RGB) -> Path:
    """One good photo and every bad kind, filed under one person each."""
    root = tmp_path / "photos"
    good = jpeg(astronaut)
    turned = Pillow.Exif()
    turned[0x0112] = 6
    png = io.BytesIO()
    frames = [Pillow.fromarray(astronaut), Pillow.fromarray(255 - astronaut)]
    frames[0].save(png, "PNG", save_all=True, append_images=frames[1:])
    cmyk = io.BytesIO()
    Pillow.fromarray(astronaut).convert("CMYK").save(cmyk, "JPEG", quality=92)
    deep = io.BytesIO()
    import cv2

    deep.write(cv2.imencode(".png", astronaut[..., ::-1].astype(np.uint16) * 257)[1].tobytes())
    wide = io.BytesIO()
    Pillow.new("L", (30_000, 4_200)).save(wide, "PNG")
    files = {
        "good/a.jpg": good,
        "good/b\nnewline.jpg": good + b" ",
        "good/rotated.jpg": jpeg(np.rot90(astronaut).copy(), exif=turned),
        "good/animated.png": png.getvalue(),
        "good/cmyk.jpg": cmyk.getvalue(),
        "good/deep.png": deep.getvalue(),
        "bad/truncated.jpg": good[: len(good) // 2],
        "bad/empty.jpg": b"",
        "bad/text.jpg": b"I am not a picture",
        "bad/wide.png": wide.getvalue(),
        "bad/noface.jpg": jpeg(np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8)),
        "bad/tiny.jpg": jpeg(np.asarray(Pillow.fromarray(astronaut).resize((90, 90)))),
    }
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    (tmp_path / "outside.jpg").write_bytes(good)
    (root / "bad/leaves.jpg").symlink_to(tmp_path / "outside.jpg")
    (root / "bad/loop").symlink_to(root / "bad", target_is_directory=True)
    with zipfile.ZipFile(root / "bad/bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bad/bomb.jpg", bytes(300 * 2**20))
    (root / "bad/locked.jpg").write_bytes(good)
    (root / "bad/locked.jpg").chmod(0)
    return root


def test_every_kind_has_its_reason(source: Path, tmp_path: Path) -> None:
    config = SynthConfig(size_px=64, max_rejects=1, layout="folder")
    stamp = run(config, source, tmp_path / "out")
    rows = pd.read_parquet(tmp_path / "out/manifest.parquet")
    assert rows["photo"].is_unique
    status = {Path(r.photo).name: r.reason or r.status for r in rows.itertuples()}
    good = {name: what for name, what in status.items() if name in {"a.jpg", "rotated.jpg", "animated.png", "cmyk.jpg"}}
    assert set(good.values()) == {"target"}
    assert status["deep.png"] == "target"
    assert status["b\nnewline.jpg"] == "target"
    assert status["truncated.jpg"] == status["text.jpg"] == "unreadable"
    assert status["empty.jpg"] == "empty"
    assert status["wide.png"] == "too_large"
    assert status["noface.jpg"] == "no_face"
    assert status["tiny.jpg"] == "too_small"
    assert any("bomb" in name and what == "unreadable" for name, what in status.items())
    if os.geteuid() != 0:
        assert status["locked.jpg"] == "unreadable"
    # The link that leaves the folder is left out, by the layout or by the reader, and never read.
    assert status.get("leaves.jpg", "leaves_source") == "leaves_source"
    assert stamp.counts["photos"] == len(rows)
