"""Kill it at any moment, run the same command: the same bytes. Any number of workers: the same bytes."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from command_line import say

Digests = Callable[[Path], dict[str, str]]


def command(stage: str, source: Path, out: Path, workers: int) -> list[str]:
    where = {"synth": "--source", "shard": "--pairs"}[stage]
    small = {
        "synth": ["--set", "synth.size_px=32", "--set", "synth.photos_per_part=2", "--set", "synth.max_people=5"],
        "shard": ["--set", "shard.samples_per_shard=4"],
    }[stage]
    return [stage, where, str(source), "--out", str(out), "--workers", str(workers), *small]


def finish(words: list[str]) -> None:
    done = say(*words)
    assert done.returncode == 0, done.stderr


def killed_and_finished(stage: str, source: Path, out: Path, files: int, later_s: float) -> bool:
    """Kill the command so long after it has written so many files, then run it to its end; whether it was killed.

    Going by files, not by the clock, the kill comes in time on a machine of any speed.
    """
    words = [sys.executable, "-m", "unveilify", *command(stage, source, out, 2)]
    run = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while run.poll() is None and len(written(out)) < files:
        time.sleep(0.005)
    try:
        run.wait(later_s)
    except subprocess.TimeoutExpired:
        run.send_signal(signal.SIGKILL)
    came_in_time = run.wait() == -signal.SIGKILL
    finish(command(stage, source, out, 1))
    return came_in_time


def written(out: Path) -> list[Path]:
    return [Path(folder) / name for folder, _, names in os.walk(out) for name in names]


def kill_many_times(stage: str, source: Path, tmp_path: Path, digests: Digests, times: int) -> None:
    finish(command(stage, source, tmp_path / "undisturbed", 1))
    wanted = digests(tmp_path / "undisturbed")
    most = len(written(tmp_path / "undisturbed")) - 2
    draw = random.Random(stage)
    killed = 0
    for n in range(times):
        out = tmp_path / f"killed{n}"
        killed += killed_and_finished(stage, source, out, draw.randint(1, most), draw.uniform(0, 0.2))
        assert digests(out) == wanted
    assert killed > times // 2


@pytest.mark.parametrize("stage", ["synth", "shard"])
def test_a_killed_run_goes_on_to_the_same_bytes(
    stage: str, small_source: Path, small_pairs: Path, tmp_path: Path, digests: Digests
) -> None:
    kill_many_times(stage, small_source if stage == "synth" else small_pairs, tmp_path, digests, 3)


@pytest.mark.long
@pytest.mark.parametrize("stage", ["synth", "shard"])
def test_twenty_killed_runs(
    stage: str, small_source: Path, small_pairs: Path, tmp_path: Path, digests: Digests
) -> None:
    kill_many_times(stage, small_source if stage == "synth" else small_pairs, tmp_path, digests, 20)


@pytest.mark.parametrize("stage", ["synth", "shard"])
def test_workers_never_change_a_byte(
    stage: str, small_source: Path, small_pairs: Path, tmp_path: Path, digests: Digests
) -> None:
    source = small_source if stage == "synth" else small_pairs
    for workers in (1, 3):
        finish(command(stage, source, tmp_path / str(workers), workers))
    assert digests(tmp_path / "1") == digests(tmp_path / "3")


def hear_ctrl_c() -> None:
    """A shell starts what runs in its background with interrupts ignored; a person at a terminal does not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_is_one_sentence(small_source: Path, tmp_path: Path, workers: int) -> None:
    run = subprocess.Popen(
        [sys.executable, "-m", "unveilify", *command("synth", small_source, tmp_path / "out", workers)],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        preexec_fn=hear_ctrl_c,
    )
    until = time.monotonic() + 60
    while not list((tmp_path / "out").glob("part-*.tar")) and time.monotonic() < until:
        time.sleep(0.02)
    os.killpg(run.pid, signal.SIGINT)  # a terminal sends it to every process of the command
    _, said = run.communicate(timeout=60)
    assert run.returncode == 130
    assert "Traceback" not in said
    assert said.strip().splitlines()[-1].endswith("the same command goes on from there.")
