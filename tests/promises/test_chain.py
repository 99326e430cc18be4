"""The commands of the README, typed as they stand, in an empty folder; only the training is shortened."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

VERBS = (
    ["sample", "aihub/", "--people", "12"],
    ["synth", "--source", "aihub/"],
    ["shard"],
    ["train", "--samples", "96", "--set", "train.network.width=0.1", "--size-px", "32"],
    ["report"],
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("newcomer")
    for words in VERBS:
        done = subprocess.run(
            [sys.executable, "-m", "unveilify", *words], cwd=root, capture_output=True, text=True, timeout=280
        )
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
    done = subprocess.run(
        [sys.executable, "-m", "unveilify", *words], cwd=folder, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "up to date" in done.stdout + done.stderr


@pytest.mark.parametrize("directory", ["data/synth", "data/shards", "runs/unveilify", "reports"])
def test_verify_agrees(folder: Path, directory: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "unveilify", "verify", directory],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout
