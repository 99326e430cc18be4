"""The part of the report that is about real photos, on cut-outs of one portrait that are their own face crops."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from unveilify.core import pictures
from unveilify.core.landmarks import Landmarks
from unveilify.core.sample import Sample
from unveilify.evaluation import real_photos
from unveilify.evaluation.cache import Row
from unveilify.evaluation.config import RealConfig
from unveilify.evaluation.real import MASKED, OTHERS, RealEvaluation
from unveilify.evaluation.real_photos import RealFaces
from unveilify.evaluation.statistics import Estimate
from unveilify.evaluation.systems import Truth
from unveilify.faces.align import FaceCrop
from unveilify.report import real
from unveilify.report.config import Inputs, ReportConfig
from unveilify.report.run import run

GREY = np.full((32, 32, 3), 128, np.uint8)


def sample(n: int, known: bool) -> Sample:
    photos = (GREY,) if known else ()
    points = (None,) * (2 + len(photos))
    return Sample(f"{n}.jpg", f"p{n}", GREY, GREY, GREY[..., 0], photos, len(photos), points, others=photos)


def row(label: str, kind: str, cosines: list[float], scores: list[float]) -> Row:
    frame = pd.DataFrame({"key": ["0", "1", "2"], "identity": ["p0", "p1", "p2"], OTHERS: cosines, MASKED: scores})
    return Row(label, kind, frame, {}, np.zeros((3, 0), np.float32))


def evaluation() -> RealEvaluation:
    faces = RealFaces(tuple(sample(n, n < 2) for n in range(3)), (True, True, False), {"no_face": 4})
    nan = float("nan")
    rows = [row("copy", "rival", [0.1, 0.3, nan], [1, 0.5, 2]), row("ours", "trained", [0.2, 0.6, nan], [-1, 1, -2])]
    left_out = {"telea": "it must be told"}
    return RealEvaluation(rows, faces, "Fake", None, (), 1.0, 0.25, 4, "hash", left_out)


def test_the_numbers_are_those_of_the_photos() -> None:
    table = real.build(ReportConfig(), evaluation(), [Truth("ours", "trained")])
    assert [head.key for head in table.heads] == [OTHERS, real.GAIN, MASKED, real.LOOSE]
    copy, ours = (line.cells for line in table.lines)
    assert copy[real.GAIN].count == 0
    assert ours[OTHERS].mean == pytest.approx(0.4)
    assert ours[real.GAIN].mean == pytest.approx(0.2)
    assert (ours[real.GAIN].low, ours[real.GAIN].high) == (pytest.approx(0.1), pytest.approx(0.3))
    assert (copy[MASKED].mean, ours[MASKED].mean) == (100, 50)
    assert (copy[real.LOOSE].mean, ours[real.LOOSE].mean) == (100, 0)
    assert isinstance(ours[MASKED], Estimate)


def test_the_words_tell_how_good_the_judge_is_and_what_is_left_out() -> None:
    table = real.build(ReportConfig(), evaluation(), [Truth("ours", "trained")])
    assert "100.0 % of the real masked inputs" in " ".join(table.words)
    assert "25.0 % of 4 real unmasked photos" in " ".join(table.words)
    assert "telea: left out, it must be told." in table.notes
    assert "Photos that could not be used: 4 no_face." in table.notes


def test_the_worst_are_shown_apart() -> None:
    table = real.build(ReportConfig(extremes=1), evaluation(), [Truth("ours", "trained")])
    assert {name: [strip.key for strip in strips] for name, strips in list(table.strips.items())[1:]} == {
        "ours loses most identity": ["0.jpg"],
        "ours still looks most masked": ["1.jpg"],
    }


@pytest.mark.usefixtures("astronaut")
def test_real_photos_join_every_format(
    small_report: SimpleNamespace, tmp_path: Path, astronaut: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(3):
        face = np.ascontiguousarray(astronaut[40 + n : 168 + n : 4, 170:298:4])
        for kind, picture in (("unmasked", face), ("masked", np.concatenate([face[:16], GREY[16:]]))):
            path = tmp_path / f"photos/p{n}/{kind}/{n}.png"
            path.parent.mkdir(parents=True)
            path.write_bytes(pictures.encode_png(picture))
    marks = Landmarks(np.zeros((5, 2), np.float32), "five")
    monkeypatch.setattr(
        real_photos, "_face", lambda finder, path, *a, **k: FaceCrop(pictures.read(path), np.eye(2, 3), marks, 0.0)
    )
    config = small_report.config.model_copy(update={"real": RealConfig(folders=(tmp_path / "photos",))})
    out = shutil.copytree(small_report.out, tmp_path / "out")
    inputs = Inputs(small_report.inputs.shards, (shutil.copytree(small_report.run_dir, tmp_path / "mine"),))
    run(config, inputs, out)
    assert pd.read_csv(out / "real.csv")["row"].tolist() == [
        *("copy", "identity image", "mean", "telea", "paste", "prior", "place"),
        *("mine", "mine / stranger", "mine / no photo"),
    ]
    told = json.loads((out / "table.json").read_text())["real_photos"]
    assert told["rows"][0]["values"][MASKED]["mean"] == 100
    assert "mean, telea, paste: must be told where the mask is; here 'find' says so" in " ".join(told["notes"])
    for name in ("table.md", "table.txt", "index.html"):
        assert "real masked photos" in (out / name).read_text().lower(), name
    assert (out / "real-0.png").is_file()
    before = (out / "real.csv").stat().st_mtime_ns
    run(config, inputs, out)
    assert (out / "real.csv").stat().st_mtime_ns == before

    (tmp_path / "photos/p2/masked/2.png").unlink()
    run(config, inputs, out)
    assert json.loads((out / "table.json").read_text())["real_photos"]["about"][0].startswith("2 real masked photos")
