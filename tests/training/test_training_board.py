"""The log's rows for TensorBoard."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from command_line import say

from unveilify.core.errors import UserError
from unveilify.training import board
from unveilify.training.config import TrainConfig
from unveilify.training.loop import Machine, run

CONFIG: dict[str, Any] = {
    "size_px": 32,
    "network": {"width": 0.1, "depth": 0.2},
    "batch": 4,
    "validate_on": 4,
    "recipe": {"lpips": 0, "identity": 0},
}


def curves(run_dir: Path) -> dict[str, list[tuple[int, float]]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run_dir / board.FOLDER))
    events.Reload()
    return {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def test_what_the_log_says_is_in_the_curves(small_shards: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    machine = Machine("cpu", threads=1, workers=0, tensorboard=True)
    for samples in (8, 16):  # the second goes on
        assert run(TrainConfig(samples=samples, **CONFIG), small_shards, tmp_path / "run", machine) is not None
    rows = [json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    found = curves(tmp_path / "run")
    for name in ("l1", "val_psnr", "lr_g"):
        wanted = [(row["seen"], row[name]) for row in rows if name in row]
        assert [step for step, _ in found[name]] == [step for step, _ in wanted]
        assert [value for _, value in found[name]] == pytest.approx([value for _, value in wanted])
    assert "step" not in found


@pytest.mark.parametrize("kind", ["link", "file"])
def test_what_lies_in_its_place_is_not_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(board, "find_spec", lambda name: True)
    (tmp_path / "mine").mkdir()
    (tmp_path / "run").mkdir()
    place = tmp_path / "run" / board.FOLDER
    place.symlink_to("../mine") if kind == "link" else place.write_text("mine")
    with pytest.raises(UserError, match="tensorboard is a link or a file"):
        board.Board(tmp_path / "run", 0)
    assert list((tmp_path / "mine").iterdir()) == []


def test_without_it_one_sentence_says_so_before_torch(
    small_shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(board, "find_spec", lambda name: None if name == "tensorboard" else real(name))
    done = say("train", "--shards", str(small_shards), "--out", str(tmp_path / "run"), "--tensorboard")
    assert done.returncode == 2
    assert "pip install 'unveilify[tensorboard]'" in done.stderr
    assert not (tmp_path / "run").exists()
