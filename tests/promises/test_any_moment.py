"""Killed at the n-th sync or rename of a file, for every n and every stage: the same command ends in the same bytes."""

import os
import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Digests = Callable[[Path], dict[str, str]]
Run = Callable[[Path], object]

STAGES = ["sample", "synth", "shard", "train", "learn", "report", "mask"]
LIMIT_S = 1200
TIMES = {
    "table.txt",
    "table.md",
    "table.csv",
    "table.tex",
    "table.json",
    "index.html",
    "_stamp.json",
    ".unveilify.files",
}
"""Files of a report that tell how long something took."""


def sample(out: Path) -> object:
    from unveilify.sources.layouts.sample import make_sample

    return make_sample(out, people=1, size_px=128, workers=1)


@pytest.fixture
def stages(
    small_source: Path, small_pairs: Path, small_shards: Path, small_run: Path, tmp_path: Path
) -> dict[str, Run]:
    # Loaded once, not by each of the hundreds of processes: that is most of what they would do.
    import unveilify.report.run
    import unveilify.synth.photos
    import unveilify.training.loop  # noqa: F401

    def synth(out: Path) -> object:
        from unveilify.synth.config import SynthConfig
        from unveilify.synth.run import run

        return run(SynthConfig(size_px=32, photos_per_part=2, max_people=1), small_source, out)

    def shard(out: Path) -> object:
        from unveilify.shards.config import ShardConfig
        from unveilify.shards.write import run

        return run(ShardConfig(samples_per_shard=20), small_pairs, out)

    def mask(out: Path) -> object:
        from unveilify.synth.photos import Masking, mask_photos

        photos = tmp_path / "photos"
        if not photos.exists():
            photos.mkdir()
            for number, photo in enumerate(sorted(small_source.rglob("*.jpg"))[:2]):
                shutil.copy(photo, photos / f"{number}.jpg")
            (photos / "none.jpg").write_bytes(b"no picture")
        return mask_photos(photos, out, Masking())

    def learn(out: Path) -> object:
        from unveilify.training.config import TrainConfig
        from unveilify.training.loop import Machine, run

        return run(TrainConfig(model="place", size_px=32), small_shards, out, Machine("cpu", threads=1, workers=0))

    def report(out: Path) -> object:
        from unveilify.evaluation.config import EvaluateConfig
        from unveilify.report.config import Inputs, ReportConfig
        from unveilify.report.run import run

        # What is kept beside the run spares a later report the measuring: each has a run of its own, of the same name.
        own = out.with_name(f"{out.name}-of") / small_run.name
        if not own.exists():
            shutil.copytree(small_run, own)
        measured = EvaluateConfig(triplets=2, rivals=("copy",), metrics=("psnr",), timing_runs=1, replicates=100)
        config = ReportConfig(evaluate=measured, figures=1, extremes=0)
        return run(config, Inputs(small_shards, (own,)), out, device="cpu")

    return {
        "sample": sample,
        "synth": synth,
        "shard": shard,
        "train": lambda out: train(small_shards, out),
        "learn": learn,
        "report": report,
        "mask": mask,
    }


def train(shards: Path, out: Path) -> object:
    from unveilify.training.config import TrainConfig
    from unveilify.training.loop import Machine, run

    small: dict[str, Any] = {
        "size_px": 32,
        "network": {"width": 0.1, "depth": 0.2},
        "batch": 4,
        "samples": 8,
        "validate_every": 4,
    }
    config = TrainConfig(validate_on=4, keep_checkpoints=1, recipe={"lpips": 0, "identity": 0}, **small)
    return run(config, shards, out, Machine("cpu", threads=1, workers=0))


@pytest.fixture(scope="module")
def small_run(small_shards: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished training of a few steps."""
    out = tmp_path_factory.mktemp("run") / "run"
    apart(lambda: train(small_shards, out))
    return out


def apart(work: Callable[[], object], before: Callable[[int], object] = lambda number: None) -> int | None:
    """Do it in a process of its own, with ``before`` each sync or rename; how many there were, None if it died."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)  # it is pytest's, and would speak of pytest's limit
        signal.alarm(LIMIT_S)
        calls = 0

        def counted(real: Callable[..., object]) -> Callable[..., object]:
            def call(*args: object, **more: object) -> object:
                nonlocal calls
                calls += 1
                before(calls)
                return real(*args, **more)

            return call

        os.fsync, os.replace, os.rename = counted(os.fsync), counted(os.replace), counted(os.rename)  # type: ignore[assignment]
        try:
            work()
            os.write(writer, str(calls).encode())
            os._exit(0)
        except BaseException as error:
            os.write(2, f"{error!r}\n".encode())
            os._exit(1)
    os.close(writer)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with os.fdopen(reader) as told:
        calls = told.read()
    assert status != -signal.SIGALRM, f"the process took more than {LIMIT_S} s"
    assert status in (0, 9), f"the process left with {status}"
    return int(calls) if calls else None


def timed(name: str) -> bool:
    """Whether a file of a report holds times, which are no two alike: what is kept of each row, and what shows it."""
    return name in TIMES or (name.startswith("evaluation/") and name.endswith(".json"))


def goes_on(stage: str, work: Run, out: Path, wanted: dict[str, str], digests: Digests) -> bool:
    """Whether what was left there ends as the undisturbed run did."""
    assert apart(lambda: work(out)) is not None, f"{stage} does not go on in {out}"
    found = digests(out)
    differ = {name for name in found if wanted.get(name) != found[name] and not (stage == "report" and timed(name))}
    return found.keys() == wanted.keys() and not differ


@pytest.mark.parametrize("stage", STAGES)
def test_killed_at_some_moments(stage: str, stages: dict[str, Run], tmp_path: Path, digests: Digests) -> None:
    work = stages[stage]
    calls = apart(lambda: work(tmp_path / "calm"))
    assert calls is not None
    assert calls > 10
    for moments in ((1, 2, 3, 4, 5, calls // 3), (2 * calls // 3,), (calls - 1,)):
        out = tmp_path / str(moments[-1])
        for moment in moments:  # one run after the other
            died = apart(lambda out=out: work(out), lambda n, moment=moment: os._exit(9) if n == moment else None)
            assert died is None
        assert goes_on(stage, work, out, digests(tmp_path / "calm"), digests), f"killed at {moments}"


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("stage", STAGES)
def test_killed_at_every_moment(stage: str, stages: dict[str, Run], tmp_path: Path, digests: Digests) -> None:
    """A kill leaves what lies on the disk just then: one run, photographed before each sync and rename, has it all.

    Many moments leave the same: what a sync makes durable is there before it. From each such state it goes on once.
    """
    work, home, left = stages[stage], tmp_path / "calm", tmp_path / "left"
    calls = apart(lambda: work(home / "out"), lambda n: home.is_dir() and shutil.copytree(home, left / f"{n}"))
    assert calls is not None
    seen = set()
    for moment in range(1, calls + 1):
        (left / f"{moment}").mkdir(parents=True, exist_ok=True)
        state = lying_in(left / f"{moment}")
        if state not in seen:
            assert goes_on(stage, work, left / f"{moment}/out", digests(home / "out"), digests), f"killed at {moment}"
        seen.add(state)
        shutil.rmtree(left / f"{moment}")
    assert calls // 3 < len(seen) < calls


def lying_in(folder: Path) -> frozenset[tuple[str, bytes]]:
    """Every file below with what is in it, temporary ones under one name; empty folders, too."""
    paths = [path for path in folder.rglob("*") if path.is_file() or not any(path.iterdir())]
    names = [re.sub(r"new-[^/]+|\.unveilify-[^/]+\.tmp", "new", path.relative_to(folder).as_posix()) for path in paths]
    return frozenset((n, path.read_bytes() if path.is_file() else b"") for n, path in zip(names, paths, strict=True))
