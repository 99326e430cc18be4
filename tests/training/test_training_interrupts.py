"""Ctrl-C and SIGTERM wherever they fall: the training goes on from there to the same bytes."""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from unveilify.training import checkpointer, interrupts, state, step, validate
from unveilify.training.config import TrainConfig
from unveilify.training.interrupts import Interrupts
from unveilify.training.loop import Machine, run

CONFIG = TrainConfig(
    network={"width": 0.1, "depth": 0.2},
    recipe={"lpips": 0, "identity": 0, "r1": 1.0},
    size_px=32,
    samples=16,
    batch=4,
    validate_every=8,
    validate_on=8,
    bf16=False,
)

POINTS: dict[str, tuple[object, str, int]] = {
    "before the first step": (step, "set_learning_rates", 1),
    "in the generator's step": (step, "generator_losses", 3),
    "between generator and discriminator": (step, "discriminator_loss", 3),
    "before the optimizer": (step.nn.utils, "clip_grad_norm_", 4),
    "in the average": (step, "update_ema", 2),
    "in the log's means": (state.RunningMeans, "add", 3),
    "in a validation": (validate, "target", 2),
    "after a validation": (checkpointer, "cost", 1),
    "while the best is kept": (checkpointer.store, "save", 1),
    "in the picture of a validation": (checkpointer, "encode_png", 1),
    "while a checkpoint is written": (state.files, "write", 2),
    "in the last step": (step, "update_ema", 4),
    "in the last validation": (validate, "target", 5),
}
CASES = [(point, "first") for point in POINTS] + [
    (point, "second")
    for point in ("between generator and discriminator", "in the average", "while the best is kept", "in the last step")
]


@pytest.fixture(scope="module")
def undisturbed(small_shards: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("undisturbed") / "run"
    assert run(CONFIG, small_shards, out, Machine("cpu", 1)) is not None
    return out


def what_counts(out: Path) -> tuple[dict[str, bytes], list[dict[str, float]]]:
    kept = (out / "best.safetensors", state.checkpoints(out)[-1])
    files = {path.name: path.read_bytes() for path in kept}
    rows = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    return files, [{name: value for name, value in row.items() if name != "data_wait"} for row in rows]


def at_call(number: int, function: Callable[..., Any], happens: Callable[[], None]) -> Callable[..., Any]:
    calls = 0

    def disturbed(*given: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == number:
            happens()
        return function(*given, **named)

    return disturbed


def ctrl_c() -> None:
    signal.raise_signal(signal.SIGINT)


def at_once() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(("point", "which"), CASES)
def test_the_training_goes_on_to_the_same_bytes(
    small_shards: Path, undisturbed: Path, tmp_path: Path, point: str, which: str
) -> None:
    """A second Ctrl-C is an exception at any place; nothing may be saved on its way out."""
    module, name, number = POINTS[point]
    happens = {"first": ctrl_c, "second": at_once}[which]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, name, at_call(number, getattr(module, name), happens))
        with pytest.raises(KeyboardInterrupt):
            run(CONFIG, small_shards, tmp_path / "run", Machine("cpu", 1))
    assert not (tmp_path / "run" / "_stamp.json").exists()
    assert run(CONFIG, small_shards, tmp_path / "run", Machine("cpu", 1)) is not None
    assert what_counts(tmp_path / "run") == what_counts(undisturbed)


def test_many_interrupts_and_time_limits_one_after_the_other(
    small_shards: Path, undisturbed: Path, tmp_path: Path
) -> None:
    done, times = None, 0
    while done is None:
        times += 1
        if times % 2:
            done = run(CONFIG, small_shards, tmp_path / "run", Machine("cpu", 1, max_minutes=0))
            continue
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(step, "update_ema", at_call(1, step.update_ema, ctrl_c))
            try:
                done = run(CONFIG, small_shards, tmp_path / "run", Machine("cpu", 1))
            except KeyboardInterrupt:
                continue
    assert times > 3
    assert what_counts(tmp_path / "run") == what_counts(undisturbed)


def test_sigterm_is_heard_and_has_its_own_exit_code(small_shards: Path, undisturbed: Path, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(step, "update_ema", at_call(2, step.update_ema, lambda: signal.raise_signal(signal.SIGTERM)))
        with pytest.raises(SystemExit, match=str(interrupts.TERMINATED)):
            run(CONFIG, small_shards, tmp_path / "run", Machine("cpu", 1))
    assert (tmp_path / "run" / state.name_of(8)).is_file()
    run(CONFIG, small_shards, tmp_path / "run", Machine("cpu", 1))
    assert what_counts(tmp_path / "run") == what_counts(undisturbed)


def test_a_second_ctrl_c_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    with Interrupts() as heard:
        ctrl_c()
        ctrl_c()  # a launcher hands on what the terminal has sent already
        assert heard.asked == signal.SIGINT
        monkeypatch.setattr(interrupts, "SOON_S", 0.0)
        with pytest.raises(KeyboardInterrupt):
            ctrl_c()


def test_the_handlers_of_others_come_back_and_what_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interrupts() as heard:
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
            signal.raise_signal(signal.SIGTERM)
        assert heard.asked == signal.SIGTERM
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_damaged_checkpoint_costs_time_and_nothing_else(
    small_shards: Path, undisturbed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(step, "update_ema", at_call(3, step.update_ema, ctrl_c))
        with pytest.raises(KeyboardInterrupt):
            run(CONFIG, small_shards, tmp_path / "run", Machine("cpu", 1))
    newest = state.checkpoints(tmp_path / "run")[-1]
    data = bytearray(newest.read_bytes())
    data[len(data) // 2] ^= 1
    newest.write_bytes(data)
    run(CONFIG, small_shards, tmp_path / "run", Machine("cpu", 1))
    said = capsys.readouterr().out
    assert f"The checkpoint {newest} cannot be used (its digest differs): put aside" in said
    (tmp_path / "run" / f"unusable-{newest.name}").unlink()
    assert what_counts(tmp_path / "run") == what_counts(undisturbed)


def test_checkpoints_of_others_stay(small_shards: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert run(CONFIG, small_shards, out, Machine("cpu", 1, max_minutes=0)) is None
    mine = out / state.name_of(1)
    mine.write_bytes(b"mine")
    assert run(CONFIG, small_shards, out, Machine("cpu", 1)) is not None
    assert mine.read_bytes() == b"mine"
    assert not (out / state.name_of(4)).exists(), "the old ones of this training go"


def test_lost_best_weights_are_said(small_shards: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(CONFIG, small_shards, tmp_path / "run", Machine("cpu", 1, max_minutes=0))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(step, "update_ema", at_call(3, step.update_ema, ctrl_c))
        with pytest.raises(KeyboardInterrupt):
            run(CONFIG, small_shards, tmp_path / "run", Machine("cpu", 1))
    (tmp_path / "run" / "best.safetensors").write_bytes(b"no network")
    run(CONFIG, small_shards, tmp_path / "run", Machine("cpu", 1))
    assert "The best weights so far are lost" in capsys.readouterr().out
    checkpointer.store.load(tmp_path / "run" / "best.safetensors")
