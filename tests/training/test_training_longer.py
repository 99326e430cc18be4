"""More samples later: a finished training goes on from where it ended."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unveilify import pipeline
from unveilify.core.errors import UserError
from unveilify.training.config import TrainConfig, longer
from unveilify.training.curves import bars, so_far
from unveilify.training.loop import Machine, run
from unveilify.training.state import checkpoints, position_of

SMALL: dict[str, Any] = {
    "size_px": 32,
    "network": {"width": 0.1, "depth": 0.2},
    "batch": 4,
    "validate_on": 4,
    "recipe": {"lpips": 0, "identity": 0},
}


def train(shards: Path, out: Path, samples: int, **more: Any) -> Any:
    return run(TrainConfig(samples=samples, **SMALL | more), shards, out, Machine("cpu", threads=1, workers=0))


@pytest.fixture(scope="module")
def short(small_shards: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("short") / "run"
    assert train(small_shards, out, 8).counts["triplets"] == 8
    return out


def test_a_finished_training_goes_on(small_shards: Path, short: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(short, tmp_path / "run"))
    rows = (out / "log.jsonl").read_text().splitlines()
    stamp = train(small_shards, out, 16)
    assert stamp.counts == {"steps": 4, "triplets": 16, "skipped_steps": 0}
    assert stamp.config["samples"] == 16
    assert position_of(checkpoints(out)[-1]) == 16
    after = (out / "log.jsonl").read_text().splitlines()
    assert after[: len(rows)] == rows, "what was learned before is not learned again"
    assert json.loads(after[-1])["seen"] == 16
    assert pipeline.check(out) == []
    assert train(small_shards, out, 16) == stamp, "and then it is up to date"


@pytest.mark.parametrize(("samples", "more"), [(4, {}), (16, {"seed": 1}), (8, {"validate_every": 2})])
def test_what_is_no_longer_training_is_refused(
    small_shards: Path, short: Path, tmp_path: Path, samples: int, more: dict[str, int]
) -> None:
    out = Path(shutil.copytree(short, tmp_path / "run"))
    with pytest.raises(UserError, match="made with other settings"):
        train(small_shards, out, samples, **more)
    assert (out / "_stamp.json").is_file()


def test_longer_is_the_same_for_more_triplets() -> None:
    old = {"samples": 8, "validate_every": 1, "seed": 0}
    assert longer(old, old | {"samples": 9, "validate_every": 2})
    assert not longer(old, old)
    assert not longer(old, old | {"samples": 7})
    assert not longer(old, old | {"samples": 9, "seed": 1})
    assert longer({"samples": None}, {"samples": 9})


def test_an_unfinished_run_says_how_far_it_is_and_what_to_type(short: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(short, tmp_path / "run"))
    (out / "_stamp.json").unlink()
    told = pipeline.describe(out)
    assert "it is not finished" in told
    assert "8 of 8 triplets (100%)" in told
    assert "batch: " in told
    assert f"unveilify report --runs {out}" in told
    (out / "best.safetensors").unlink()
    assert "unveilify report" not in pipeline.describe(out)
    (out / "log.jsonl").write_text(
        'torn\n{"seen": 3, "step": 1, "l1": 0.5}\n{"seen": 6, "step": 2, "l1": 0.25}\n[]\n{"se'
    )
    told = pipeline.describe(out)
    assert "6 of 8 triplets (75%)" in told
    assert "l1" in told
    (out / "_begun.json").write_text("[]")
    with pytest.raises(UserError, match="is damaged"):
        pipeline.describe(out)


@pytest.mark.parametrize("number", ["9" * 4000, "-4", "true", "1e400", "NaN", '"x"'])
def test_a_log_of_numbers_that_cannot_be(tmp_path: Path, number: str) -> None:
    rows = [f'{{"step": {step}, "seen": {number}, "l1": {step}, "{"n" * 9999}": {step}}}\n' for step in (1, 2)]
    (tmp_path / "log.jsonl").write_text("".join(rows))
    assert so_far(tmp_path, {"samples": 8})[0] == "  0 of 8 triplets (0%)"
    assert so_far(tmp_path, {"samples": int("9" * 4000)})[0] == "  0 triplets"
    assert all(len(line) < 200 for line in so_far(tmp_path, {}))


def test_another_stage_that_is_not_finished(tmp_path: Path) -> None:
    (tmp_path / "_begun.json").write_text('{"stage": "synth", "config": {}, "input": ""}')
    assert "The same command that began it goes on" in pipeline.describe(tmp_path)


def test_a_curve_in_one_line(tmp_path: Path) -> None:
    assert bars(np.array([0.0, 1, 2, 3, 4, 5, 6, 7])) == "▁▂▃▄▅▆▇█"
    assert bars(np.ones(3)) == "▁▁▁"
    assert len(bars(np.arange(1000.0))) == 40
    assert so_far(tmp_path, {}) == ["  0 triplets"]
