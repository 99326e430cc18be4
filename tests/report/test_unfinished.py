"""A network whose training is not finished is marked wherever the table is shown; relatives are resampled together."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from unveilify.core.stamps import BEGUN, STAMP
from unveilify.evaluation.evaluate import Bench, Evaluation, evaluate, load_metrics
from unveilify.evaluation.samples import Samples
from unveilify.evaluation.statistics import Estimate
from unveilify.evaluation.systems import Trained, Truth, Untrained
from unveilify.report import formats, table
from unveilify.report.config import Inputs
from unveilify.report.run import _doubts, run
from unveilify.shards.reader import ShardSet

MARK = "12,000 of 60,000 triplets"


def begun(run_dir: Path) -> Path:
    (run_dir / BEGUN).write_text(json.dumps({"stage": "train", "config": {"samples": 60_000}, "input": "x"}))
    (run_dir / "checkpoint-0000008000.safetensors").touch()
    (run_dir / "checkpoint-0000012000.safetensors").touch()
    return run_dir


def test_every_format_marks_it(
    report_shards: Path,
    small_report: SimpleNamespace,
    run_maker: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("unveilify.evaluation.timing.photo_to_photo", lambda *_, **__: {})
    half, out = begun(run_maker(tmp_path / "half")), tmp_path / "out"
    settings = small_report.config.evaluate.model_copy(update={"rivals": (), "triplets": 4})
    config = small_report.config.model_copy(update={"evaluate": settings, "figures": 1, "extremes": 0})
    run(config, Inputs(report_shards, (half,)), out)
    for name in ("table.txt", "table.md", "table.tex", "table.csv", "table.json", "index.html"):
        told = (out / name).read_text()
        assert MARK in told, name
        assert told.count(MARK) >= 3, "the controls of that network are marked, too"
    assert f"half ({MARK})" in (out / "table.txt").read_text()
    rows = {row["row"]: row["unfinished"] for row in json.loads((out / "table.json").read_text())["rows"]}
    assert (rows["half"], rows["copy"]) == (MARK, None)

    (half / STAMP).write_text("{}")
    run(config, Inputs(report_shards, (half,)), out)
    assert MARK not in (out / "table.txt").read_text(), "finished since, with the same weights"


def test_without_a_checkpoint_or_a_length_it_says_what_it_knows(run_maker: Callable[..., Path], tmp_path: Path) -> None:
    folder = run_maker(tmp_path / "mine")
    assert Trained("mine", folder, "cpu").unfinished == ""
    (folder / BEGUN).write_text("{}")
    assert Trained("mine", folder, "cpu").unfinished == "0 triplets"


@pytest.mark.parametrize("damage", ["", "[]", "null", "{", '{"config": 3}'])
def test_a_damaged_plan_is_doubted_not_believed(run_maker: Callable[..., Path], tmp_path: Path, damage: str) -> None:
    folder = run_maker(tmp_path / "mine")
    assert Trained("mine", folder, "cpu").data is None
    (folder / BEGUN).write_text(damage)
    mine = Trained("mine", folder, "cpu")
    assert mine.data == ""
    assert mine.unfinished == "0 triplets"
    assert "does not say on which data" in _doubts([mine], "data")[0]


@pytest.mark.parametrize("family", [1, 3])
def test_intervals_resample_groups(small_report: SimpleNamespace, family: int) -> None:
    """Three people that are one family are no more evidence than one: the interval is wider, and the words say so."""
    evaluation, config = small_evaluation(small_report), small_report.config
    numbers = evaluation.facts["identity"].astype("category").cat.codes // family
    grouped = replace(evaluation, facts=evaluation.facts.assign(group=numbers.astype(str)))
    made = table.build(config, grouped)
    cell = next(line for line in made.lines if line.label == "copy").cells["psnr_image_raw"]
    assert isinstance(cell, Estimate)
    assert cell.people == numbers.nunique()
    told = formats.to_markdown(made)
    assert ("bootstrap over people" in told) == (family == 1)
    assert ("groups of people" in told) == (family > 1)


def small_evaluation(report: SimpleNamespace) -> Evaluation:
    shards, settings = ShardSet.open(report.inputs.shards), report.config.evaluate
    samples = Samples(shards.split("test"), settings, None)
    bench = Bench(samples, shards.hash, load_metrics(settings, "cpu"), "cpu")
    systems = [Truth(), Untrained("copy", samples.size_px, "cpu", shards, 10)]
    return evaluate(settings, bench, [(system, report.out / "evaluation") for system in systems])
