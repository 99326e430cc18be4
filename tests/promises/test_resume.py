"""Training resumes exactly: on the CPU, N steps + a kill + N steps are 2N steps, bit for bit."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from command_line import say
from safetensors.torch import load_file


def command(shards: Path, out: Path) -> list[str]:
    sets = [
        "train.size_px=32",
        "train.network.width=0.1",
        "train.batch=4",
        "train.samples=96",
        "train.validate_every=12",
        "train.validate_on=8",
    ]
    words = ["train", "--shards", str(shards), "--out", str(out), "--threads", "1"]
    return words + [word for item in sets for word in ("--set", item)] + ["--device", "cpu"]


def newest(run: Path) -> Path:
    return sorted(run.glob("checkpoint-*.safetensors"))[-1]


def rows(run: Path) -> list[dict[str, float]]:
    drop = {"data_wait"}
    lines = (run / "log.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k not in drop} for line in lines]


@pytest.fixture(scope="module")
def undisturbed(small_shards: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("undisturbed") / "run"
    done = say(*command(small_shards, out))
    assert done.returncode == 0, done.stderr
    return out


def test_a_killed_training_ends_in_the_same_weights(small_shards: Path, undisturbed: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    words = [sys.executable, "-m", "unveilify", *command(small_shards, out)]
    run = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 120
    while not list(out.glob("checkpoint-*.safetensors")) and time.monotonic() < until and run.poll() is None:
        time.sleep(0.02)
    run.send_signal(signal.SIGKILL)
    assert run.wait() == -signal.SIGKILL, "the training was over before it could be killed"
    killed_at = newest(out).name
    done = say(*command(small_shards, out))
    assert done.returncode == 0, done.stderr
    assert "Going on from" in done.stdout

    assert newest(out).name == newest(undisturbed).name > killed_at
    for name in (newest(out).name, "best.safetensors"):
        wanted, found = load_file(undisturbed / name), load_file(out / name)
        assert wanted.keys() == found.keys()
        assert all(torch.equal(wanted[key], found[key]) for key in wanted)
    assert rows(out) == rows(undisturbed)


def test_a_finished_training_is_up_to_date(small_shards: Path, undisturbed: Path) -> None:
    before = newest(undisturbed).stat().st_mtime_ns
    done = say(*command(small_shards, undisturbed))
    assert done.returncode == 0
    assert "up to date" in done.stderr
    assert newest(undisturbed).stat().st_mtime_ns == before
