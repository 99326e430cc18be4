"""The stages as one chain: one tree of settings, one run from photos to the table."""

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from unveilify.core import config as settings
from unveilify.core import paths, stage, stamps
from unveilify.core.config import Config
from unveilify.core.errors import UserError
from unveilify.core.paths import BEST
from unveilify.core.pipeline_files import named
from unveilify.core.stamps import Stamp
from unveilify.core.storage import read_json, sha256_file
from unveilify.core.words import say
from unveilify.report.config import Inputs, ReportConfig, check_real
from unveilify.report.config import check as check_report
from unveilify.shards.config import ShardConfig
from unveilify.synth.config import SynthConfig
from unveilify.training.config import TrainConfig
from unveilify.training.config import check as check_training
from unveilify.training.curves import so_far

STAGES = ("synth", "shard", "train", "report")


class SampleConfig(Config):
    """The embedded sample, for a machine with no data."""

    people: int = Field(60, ge=3, description="invented people")
    seed: int = Field(0, ge=0, description="another seed, other people")


class Pipeline(Config):
    """One pipeline file. Each stage's section belongs to that stage's room."""

    source: Path | None = Field(None, description="folder of photos")
    out: Path = Field(Path(), description="folder under which data/, runs/ and reports/ are made")
    sample: SampleConfig | None = Field(None, description="make the embedded sample at `source` first")
    synth: SynthConfig = Field(default_factory=SynthConfig)
    shard: ShardConfig = Field(default_factory=ShardConfig)
    train: TrainConfig = Field(default_factory=TrainConfig)
    runs: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="several trainings in place of one: name -> settings that differ from `train`"
    )
    report: ReportConfig = Field(default_factory=ReportConfig)


@dataclass(frozen=True, slots=True)
class How:
    """How to run, which is no part of what is made."""

    workers: int
    device: str
    max_minutes: float | None


def load(
    file: Path | None, sets: list[str] | None = None, section: str = "", given: dict[str, Any] | None = None
) -> Pipeline:
    """The pipeline of ``file`` (the defaults without one), overridden by ``a.b=c`` and by a verb's own options."""
    chosen = {f"{section}.{name}": value for name, value in (given or {}).items() if value is not None}
    tree = settings.load(Pipeline, named(file) if file else None, sets or (), chosen)
    trainings(tree)  # so that a mistake in the last run is told before the first one trains
    return tree


def trainings(tree: Pipeline) -> dict[str, TrainConfig]:
    """Every training by the name of its folder in ``runs/``: one named as its model, or those of ``tree.runs``.

    Raises:
        UserError: a run has a name that no folder can have, or a wrong setting.
    """
    if not tree.runs:
        return {tree.train.model: tree.train}
    common = tree.train.model_dump(exclude_unset=True)
    found = {}
    for name, changes in tree.runs.items():
        if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", name):
            raise UserError(f"A run cannot be called '{name}': use letters, digits, '_', '-' and '.'.")
        try:
            found[name] = settings.build(TrainConfig, settings.merged(common, changes))
        except UserError as error:
            raise UserError(f"Run '{name}': {error}") from None
    return found


def check_trainings(places: dict[Path, TrainConfig], shards: Path) -> None:
    """Whether each of these run directories can have its training; one may start from another that is made before it.

    Raises:
        UserError: not so.
    """
    for number, (place, config) in enumerate(places.items()):
        check_training(config, shards, place, list(places)[:number])


def run(tree: Pipeline, how: How, *, first: str | None = None, dry_run: bool = False) -> None:
    """Run every stage; what is up to date is kept, and ``first`` names the stage from which all is built anew.

    Raises:
        UserError: no source, an unknown stage, or whatever a stage refuses.
    """
    if first is not None and first not in STAGES:
        raise UserError(f"--from takes one of {', '.join(STAGES)}, not '{first}'.")
    if tree.source is None:
        raise UserError("The pipeline file names no source: add `source: FOLDER`, or --set source=FOLDER.")
    anew = STAGES[STAGES.index(first) :] if first else ()
    pairs, shards = tree.out / "data/synth", tree.out / "data/shards"
    runs, reports = tree.out / "runs", tree.out / "reports"
    places = {runs / name: config for name, config in trainings(tree).items()}
    _check_places({pairs: "synth", shards: "shard", reports: "report"} | dict.fromkeys(places, "train"), tree)
    check_trainings(places, shards)
    check_real(tree.report.real)
    if dry_run:
        _plan(tree, {"synth": pairs, "shard": shards, "report": reports}, runs, anew)
        return
    if not tree.sample and not tree.source.is_dir():  # a plan can be made before there are photos
        raise UserError(f"There is no folder {tree.source} of photos: set `source` to one that is there.")
    # What loads torch comes when all that was typed is known to be right.
    from unveilify.core.engine.device import pick
    from unveilify.training.trainer import trainable

    pick(how.device)
    for config in places.values():
        trainable(config)
    if tree.sample:
        from unveilify.sources.layouts.sample import make_sample

        make_sample(tree.source, people=tree.sample.people, seed=tree.sample.seed)
    from unveilify.synth import run as synth

    say_synth(pairs, synth.run(tree.synth, tree.source, pairs, workers=how.workers, force="synth" in anew))
    from unveilify.shards import write as shard

    say_shares(shards, shard.run(tree.shard, pairs, shards, workers=how.workers, force="shard" in anew))
    from unveilify.training import loop as train

    machine = train.Machine(how.device, max_minutes=how.max_minutes)
    for place, config in places.items():
        train.run(config, shards, place, machine, force="train" in anew)
    report(tree, report_inputs(shards, runs), reports, how.device, force="report" in anew)


def _check_places(places: dict[Path, str], tree: Pipeline) -> None:
    """Whether each stage's place can be its own."""
    for place, name in places.items():
        paths.check(place, tree.source)
        stage.check(place, name)


def report_inputs(shards: Path, runs: Path, predictions: tuple[Path, ...] = ()) -> Inputs:
    """Every run in the folder ``runs`` that has weights, or ``runs`` itself, and what was typed to get here."""
    found = []
    for path in sorted(runs.glob(stamps.BEGUN)) or sorted(runs.glob(f"*/{stamps.BEGUN}")):
        if (path.parent / BEST).is_file():
            found.append(path.parent)
        else:
            say(f"{path.parent} has no network yet (its training is not finished): left out.")
    return Inputs(shards, tuple(found), predictions, commands=(" ".join(["unveilify", *sys.argv[1:]]),))


def report(tree: Pipeline, inputs: Inputs, out: Path, device: str, *, force: bool = False) -> None:
    """Stage 4."""
    check_report(tree.report, inputs, out)  # before torch is loaded
    from unveilify.report.run import run as make

    make(tree.report, inputs, out, device=device, force=force)


def say_synth(directory: Path, stamp: Stamp) -> None:
    """Print what became of the photos, and which were rejected."""
    import pandas as pd

    from unveilify.faces.backend import slower

    counts = stamp.counts
    kinds = {"targets": "target", "identity images only": "identity", "rejected": "rejected"}
    told = ", ".join(f"{counts.get(status, 0)} {what}" for what, status in kinds.items())
    say(f"synth: {counts['photos']} photos: {told} -> {directory}")
    rows = pd.read_parquet(directory / "manifest.parquet", columns=["photo", "status", "reason"])
    rejected = rows[rows["status"] == "rejected"]
    for reason, photos in rejected.groupby("reason")["photo"]:
        more = f" and {len(photos) - 3} more" if len(photos) > 3 else ""
        say(f"  {len(photos):6d} {reason}: {', '.join(ascii(p)[1:-1] for p in photos[:3])}{more}")
    left = ", ".join(f"{n} {name.partition('.')[2]}" for name, n in counts.items() if name.startswith("skipped."))
    if left:
        say(f"  other files, left out: {left}")
    note = slower(str(stamp.config.get("landmarks", "")), stamp.software)
    if note:
        say(note)


def say_shares(directory: Path, stamp: Stamp) -> None:
    """Print how the shards were split, by triplet and by group, and the rejects by reason."""
    from unveilify.shards import tables

    say(f"shard: {directory}")
    for line in tables.describe(stamp.counts).split("\n"):
        say(line)


def describe(directory: Path) -> str:
    """What a stage's directory holds, in a few lines, finished or not; `UserError` if it is not a stage's."""
    if stamps.load(directory) is None and (directory / stamps.BEGUN).is_file():
        return "\n".join(_unfinished(directory))
    stamp = _any_stamp(directory)
    lines = [f"{directory}: output of `unveilify {stamp.stage}`, {len(stamp.files)} files, "]
    lines[0] += f"{sum(f.bytes for f in stamp.files.values()) / 1e6:.1f} MB"
    lines += [f"  {name}: {n}" for name, n in stamp.counts.items()]
    pictures = [name for name in stamp.files if name.endswith((".png", ".html")) or name.endswith("preview.jpg")]
    lines += [f"  look at: {directory / name}" for name in pictures[-6:]]
    lines.append("Settings that are not the default:")
    section = getattr(Pipeline(), stamp.stage, None)
    section = section.model_dump(mode="json") if isinstance(section, Config) else {}
    lines.append(f"  {settings.difference(section, stamp.config) or 'none'}")
    return "\n".join(lines)


def _unfinished(directory: Path) -> list[str]:
    begun = read_json(directory / stamps.BEGUN)
    if not isinstance(begun, dict) or not isinstance(begun.get("config"), dict):
        raise UserError(f"{directory / stamps.BEGUN} is damaged: run the command that made {directory} again.")
    name, config = str(begun.get("stage")), begun["config"]
    lines = [f"{directory}: `unveilify {name}` is at it, or was stopped: it is not finished"]
    if name != "train":
        return [*lines, "The same command that began it goes on where it stopped."]
    defaults = {k: v for k, v in TrainConfig().model_dump(mode="json").items() if v is not None}
    lines += so_far(directory, config)
    lines.append(f"  settings that are not the default: {settings.difference(defaults, config) or 'none'}")
    lines.append("The same command that began it goes on where it stopped.")
    if (directory / BEST).is_file():
        lines.append(
            f"Its best network so far: unveilify report --runs {directory} · unveilify remove --run {directory} …"
        )
    return lines


def check(directory: Path) -> list[str]:
    """Findings of a recount: files that changed, and for shards every sample; empty when all is well."""
    stamp = _any_stamp(directory)
    if stamp.stage == "shard":
        from unveilify.shards.verify import verify

        return verify(directory)
    findings = []
    for name, file in stamp.files.items():
        path = directory / name
        if not path.is_file():
            findings.append(f"{name}: missing")
        elif path.stat().st_size != file.bytes or sha256_file(path) != file.sha256:
            findings.append(f"{name}: changed since it was written")
    return findings


def _any_stamp(directory: Path) -> Stamp:
    stamp = stamps.load(directory)
    if stamp is None:
        raise UserError(f"{directory} is not the finished output of a stage: it has no {stamps.STAMP}.")
    return stamp


def _plan(tree: Pipeline, directories: dict[str, Path], runs: Path, anew: tuple[str, ...]) -> None:
    there = "is there" if tree.source and tree.source.is_dir() else "is not there"
    say(f"source {tree.source} {there}")
    if tree.sample and not (tree.source and tree.source.is_dir()):
        say(f"sample: would write {tree.sample.people} invented people to {tree.source}")
    steps: list[tuple[str, Path, Config]] = []
    for name in STAGES:
        if name == "train":
            steps += [(name, runs / run, config) for run, config in trainings(tree).items()]
        else:
            steps.append((name, directories[name], getattr(tree, name)))
    for name, directory, config in steps:
        state = "is there" if (directory / stamps.STAMP).is_file() else "would be made"
        say(f"{name:6} {directory} {'would be made anew' if name in anew else state}")
        changed = settings.difference(getattr(Pipeline(), name).model_dump(), config.model_dump())
        say(f"       settings: {changed or 'the defaults'}")
