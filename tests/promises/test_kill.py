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

Digests = Callable[[Path], dict[str, str]]


def command(stage: str, source: Path, out: Path, workers: int) -> list[str]:
    where = {"synth": "--source", "shard": "--pairs"}[stage]
    small = {
        "synth": ["--set", "synth.size_px=64", "--set", "synth.photos_per_part=5"],
        "shard": ["--set", "shard.samples_per_shard=4"],
    }[stage]
    run = [sys.executable, "-m", "unveilify", stage, where, str(source), "--out", str(out), "--workers", str(workers)]
    return run + small


def finish(words: list[str]) -> float:
    begun = time.monotonic()
    done = subprocess.run(words, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return time.monotonic() - begun


def killed_and_finished(words: list[str], after_s: float) -> bool:
    """Kill the command after so long, then run it to its end; whether the kill came in time."""
    run = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        run.wait(after_s)
    except subprocess.TimeoutExpired:
        run.send_signal(signal.SIGKILL)
    came_in_time = run.wait() == -signal.SIGKILL
    finish(words)
    return came_in_time


def kill_many_times(stage: str, source: Path, tmp_path: Path, digests: Digests, times: int) -> None:
    whole_s = finish(command(stage, source, tmp_path / "undisturbed", 2))
    wanted = digests(tmp_path / "undisturbed")
    draw = random.Random(stage)
    killed = 0
    for n in range(times):
        out = tmp_path / f"killed{n}"
        killed += killed_and_finished(command(stage, source, out, 2), draw.uniform(0.3, 1.0) * whole_s)
        assert digests(out) == wanted
    assert killed > times // 3


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
    for workers in (1, 2, 5):
        finish(command(stage, source, tmp_path / str(workers), workers))
    assert digests(tmp_path / "1") == digests(tmp_path / "2") == digests(tmp_path / "5")


def hear_ctrl_c() -> None:
    """A shell starts what runs in its background with interrupts ignored; a person at a terminal does not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_is_one_sentence(small_source: Path, tmp_path: Path, workers: int) -> None:
    run = subprocess.Popen(
        command("synth", small_source, tmp_path / "out", workers),
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
