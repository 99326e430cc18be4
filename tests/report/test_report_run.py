import io
import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from rich.console import Console

from unveilify.core import stamps
from unveilify.core.config import MAX_BYTES
from unveilify.core.errors import UserError
from unveilify.core.lock import LOCK
from unveilify.core.storage import read_json
from unveilify.core.written import OutputFolder
from unveilify.evaluation.config import RealConfig
from unveilify.report import write
from unveilify.report.config import Inputs
from unveilify.report.run import run


def state(folder: Path) -> dict[str, int]:
    files = (p for p in folder.rglob("*") if p.is_file() and p.name != LOCK)
    return {p.relative_to(folder).as_posix(): p.stat().st_mtime_ns for p in files}


def again(report: SimpleNamespace, inputs: Inputs | None = None, *, force: bool = False) -> tuple[stamps.Stamp, str]:
    out = io.StringIO()
    stamp = run(report.config, inputs or report.inputs, report.out, force=force, console=Console(file=out))
    return stamp, out.getvalue()


@pytest.fixture
def copied(small_report: SimpleNamespace, tmp_path: Path) -> SimpleNamespace:
    """The same report in another place, to be changed."""
    shutil.copytree(small_report.out, tmp_path / "out")
    return SimpleNamespace(**{**vars(small_report), "out": tmp_path / "out"})


def test_every_row_and_file_is_there(small_report: SimpleNamespace) -> None:
    table = pd.read_csv(small_report.out / "table.csv")
    assert table["row"].tolist() == [
        "truth",
        "copy",
        "mean",
        "telea",
        "paste",
        "prior",
        "place",
        "mine",
        "mine / stranger",
        "mine / no photo",
    ]
    for name in ("table.txt", "table.md", "table.tex", "table.json", "figure.png", "index.html", "triplets.parquet"):
        assert name in small_report.stamp.files
    assert "curves-mine.png" in small_report.stamp.files
    assert list(small_report.run_dir.glob("evaluation/*.parquet"))


def test_the_means_are_those_of_the_triplets(small_report: SimpleNamespace) -> None:
    table = pd.read_csv(small_report.out / "table.csv").set_index("row")
    triplets = pd.read_parquet(small_report.out / "triplets.parquet")
    means = triplets.groupby("row")["psnr_hole_raw"].mean()
    for row, mean in means.items():
        assert table.loc[row, "psnr_hole_raw"] == pytest.approx(mean)
    assert len(triplets) == 10 * small_report.stamp.counts["triplets"]


def test_theory_on_truth_and_copy(small_report: SimpleNamespace) -> None:
    table = pd.read_csv(small_report.out / "table.csv").set_index("row")
    assert table.loc["truth", "psnr_image_raw"] == 100
    assert table.loc["truth", "ssim_hole_raw"] == pytest.approx(1)
    assert table.loc["copy", "psnr_image_raw"] == table.loc["copy", "psnr_image_composited"]
    assert table.loc["copy", "psnr_hole_raw"] < table.loc["mean", "psnr_hole_raw"]


def test_again_changes_nothing(small_report: SimpleNamespace) -> None:
    before = state(small_report.out) | state(small_report.run_dir)
    stamp, said = again(small_report)
    assert stamp == small_report.stamp
    assert state(small_report.out) | state(small_report.run_dir) == before
    assert "up to date" in said
    assert "mine / stranger" in said


def test_another_run_joins_and_nothing_is_measured_twice(copied: SimpleNamespace, tmp_path: Path) -> None:
    second = shutil.copytree(copied.run_dir, tmp_path / "second")
    shutil.rmtree(second / "evaluation")
    kept = state(copied.out / "evaluation")
    stamp, said = again(copied, Inputs(copied.inputs.shards, (*copied.inputs.runs, second)))
    assert state(copied.out / "evaluation") == kept
    assert stamp.counts["rows"] == 13
    assert "second" in said
    a, b = (pd.read_parquet(next((d / "evaluation").glob("*.parquet"))) for d in (copied.run_dir, second))
    assert a.shape == b.shape


def test_a_network_that_sees_no_identity_image_has_no_controls(copied: SimpleNamespace, faceless_run: Path) -> None:
    stamp, said = again(copied, Inputs(copied.inputs.shards, (*copied.inputs.runs, faceless_run)))
    assert stamp.counts["rows"] == 11
    assert "mine / stranger" in said
    assert "faceless / stranger" not in said


def test_force_measures_again(copied: SimpleNamespace) -> None:
    before = state(copied.out / "evaluation")
    again(copied, force=True)
    after = state(copied.out / "evaluation")
    assert before.keys() == after.keys()
    assert all(before[name] != after[name] for name in before)


def test_a_kill_while_writing_is_made_good(copied: SimpleNamespace) -> None:
    (copied.out / stamps.STAMP).unlink()
    (copied.out / "table.md").unlink()
    stamp, _ = again(copied)
    assert stamp.files["table.md"] == read_stamp(copied.out).files["table.md"]


def read_stamp(folder: Path) -> stamps.Stamp:
    return stamps.read(folder, "report", "unveilify report")


def test_the_same_report_elsewhere_has_the_same_metrics(small_report: SimpleNamespace, tmp_path: Path) -> None:
    run_dir = shutil.copytree(small_report.run_dir, tmp_path / "mine")
    shutil.rmtree(run_dir / "evaluation")
    run(small_report.config, Inputs(small_report.inputs.shards, (run_dir,)), tmp_path / "out")
    for name in ("triplets.parquet", "figure.png"):
        assert (tmp_path / "out" / name).read_bytes() == (small_report.out / name).read_bytes()
    a, b = (json.loads((d / "table.json").read_text())["differences"] for d in (tmp_path / "out", small_report.out))
    assert a == b


def test_runs_that_can_only_be_read_are_measured(
    small_report: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_dir = shutil.copytree(small_report.run_dir, tmp_path / "mine")
    shutil.rmtree(run_dir / "evaluation")
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: not Path(path).is_relative_to(run_dir) and access(path, mode))
    before = state(run_dir)
    run(small_report.config, Inputs(small_report.inputs.shards, (run_dir,)), tmp_path / "out")
    assert state(run_dir) == before
    assert json.loads((tmp_path / "out/table.json").read_text())["rows"]


def test_no_runs_at_all_still_gives_the_rivals(small_report: SimpleNamespace, tmp_path: Path) -> None:
    run(small_report.config, Inputs(small_report.inputs.shards), tmp_path / "out")
    assert pd.read_csv(tmp_path / "out/table.csv")["row"].tolist() == [
        *("truth", "copy", "mean", "telea", "paste", "prior", "place")
    ]


def test_foreign_files_are_left_alone(small_report: SimpleNamespace, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(UserError, match="not empty"):
        run(small_report.config, small_report.inputs, tmp_path)
    assert (tmp_path / "thesis.tex").read_text() == "mine"


def test_rows_that_there_are_not_are_named_before_anything_is_measured(
    small_report: SimpleNamespace, tmp_path: Path
) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "1.jpg").write_bytes(b"not looked at")

    def refused(hint: str, **changes: object) -> None:
        with pytest.raises(UserError, match=hint):
            run(small_report.config.model_copy(update=changes), small_report.inputs, tmp_path / "out")
        assert not (tmp_path / "out").exists()

    refused("no row 'dmfn'", against="dmfn")
    refused("'plus' has to be trained", evaluate=small_report.config.evaluate.model_copy(update={"rivals": ("plus",)}))
    with pytest.raises(UserError, match=r"There is no \w+\.png in"):
        run(
            small_report.config,
            Inputs(small_report.inputs.shards, small_report.inputs.runs, (photos,)),
            tmp_path / "out",
        )
    refused("'nobody' cannot say where", real=RealConfig(folders=(photos,), finder="nobody"))


def test_a_run_on_other_shards_is_doubted(small_report: SimpleNamespace, tmp_path: Path) -> None:
    run_dir = shutil.copytree(small_report.run_dir, tmp_path / "elsewhere")
    (run_dir / stamps.BEGUN).write_text(json.dumps({"stage": "train", "input": "other shards"}))
    run(small_report.config, Inputs(small_report.inputs.shards, (run_dir,)), tmp_path / "out")
    assert any("'elsewhere' was trained on other shards" in n for n in read_json(tmp_path / "out/table.json")["notes"])


def test_two_runs_of_one_name_take_their_parents(small_report: SimpleNamespace, tmp_path: Path) -> None:
    twin = shutil.copytree(small_report.run_dir, tmp_path / "twin/mine")
    run(small_report.config, Inputs(small_report.inputs.shards, (small_report.run_dir, twin)), tmp_path / "out")
    rows = pd.read_csv(tmp_path / "out/table.csv")["row"].tolist()
    assert "runs/mine" in rows
    assert "twin/mine" in rows


def test_the_settings_of_a_run_may_be_no_text(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_bytes(b"model: \xff")
    system = SimpleNamespace(run_dir=tmp_path, label="a", stored=SimpleNamespace(meta={}))
    assert write._training(0, system, OutputFolder(tmp_path)).settings == "model: \ufffd"
    (tmp_path / "config.yaml").write_bytes(b"x" * (MAX_BYTES + 1))
    assert write._training(0, system, OutputFolder(tmp_path)).settings == "", "no page becomes so large"
