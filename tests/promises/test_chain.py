"""The commands of the README, typed as they stand, in an empty folder; only the training and the report are shortened."""

import json
from pathlib import Path

import pandas as pd
import pytest
from command_line import say

VERBS = (
    ["sample", "aihub/", "--people", "12"],
    ["synth", "--source", "aihub/"],
    ["shard"],
    ["train", "--samples", "48", "--set", "train.network.width=0.1", "--size-px", "32"],
    ["report", "--set", "report.evaluate.timing_runs=2", "--set", "report.figures=2", "--set", "report.extremes=1"],
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("newcomer")
    for words in VERBS:
        done = say(*words, cwd=root)
        assert done.returncode == 0, f"{words}: {done.stderr}"
        (root / f"{words[0]}.out").write_text(done.stdout + done.stderr)
    return root


def test_the_table_has_every_row(folder: Path) -> None:
    table = pd.read_csv(folder / "reports/table.csv")
    said = (folder / "report.out").read_text()
    for model in ("copy", "mean", "telea", "unveilify"):
        assert table.iloc[:, 0].str.contains(model).any()
        assert model in said


def test_nothing_is_lost_on_the_way(folder: Path) -> None:
    pairs = json.loads((folder / "data/synth/_stamp.json").read_text())["counts"]
    assert pairs["photos"] == 48 == pairs.get("target", 0) + pairs.get("identity", 0) + pairs.get("rejected", 0)
    shards = pd.read_parquet(folder / "data/shards/manifest.parquet")
    assert len(shards) == 48


def test_no_family_is_in_two_splits(folder: Path) -> None:
    rows = pd.read_parquet(folder / "data/shards/manifest.parquet")
    rows = rows[rows["split"].isin(["train", "val", "test"])]
    assert rows.groupby("group")["split"].nunique().max() == 1
    assert set(rows["split"]) == {"train", "val", "test"}


@pytest.mark.parametrize("words", [VERBS[1], VERBS[2], VERBS[3]])
def test_again_is_up_to_date(folder: Path, words: list[str]) -> None:
    done = say(*words, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "up to date" in done.stdout + done.stderr


@pytest.mark.parametrize("directory", ["data/synth", "data/shards", "runs/unveilify", "reports"])
def test_verify_agrees(folder: Path, directory: str) -> None:
    done = say("verify", directory, cwd=folder)
    assert done.returncode == 0, done.stdout
