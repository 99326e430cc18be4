"""What a training says of itself while it runs, with everything switched on that changes its pictures."""

import json
import re
from pathlib import Path

import pytest

from unveilify.core import progress
from unveilify.training.config import TrainConfig
from unveilify.training.loop import Machine, run


def test_the_line_tells_speed_loss_waiting_memory_and_the_time_left(
    small_shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "PLAIN_EVERY_S", 0.0)
    monkeypatch.setattr(progress.console, "_force_terminal", False)
    config = TrainConfig(
        network={"width": 0.1, "depth": 0.2},
        recipe={"lpips": 0, "identity": 0},
        size_px=32,
        samples=12,
        batch=4,
        validate_every=4,
        validate_on=4,
        augment=True,
        augment_discriminator="colour,translation,cutout",
    )
    assert run(config, small_shards, tmp_path / "run", Machine("cpu", threads=1)) is not None
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("train ")]
    wanted = (
        r"train unveilify: 8/12 [\d.]+ triplets/s, l1 [\d.]+, hole [\d.]+ dB, data-wait \d+%, \d+\.\d GB, \d+ s left"
    )
    assert any(re.fullmatch(wanted, line) for line in lines), lines
    first = json.loads((tmp_path / "run" / "log.jsonl").read_text().splitlines()[0])
    assert 0 <= first["data_wait"] <= 1
