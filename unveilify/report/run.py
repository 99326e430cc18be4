"""Stage 4: measure what is not yet measured, then write the table, the figures and the page."""

import os
from dataclasses import replace
from pathlib import Path

import torch
from rich.console import Console

from unveilify.core import stage
from unveilify.core.engine.device import pick
from unveilify.core.errors import UserError
from unveilify.core.stamps import Stamp
from unveilify.core.storage import canonical_json, followed, sha256_bytes
from unveilify.core.words import plain
from unveilify.evaluation import cache, mask_finder, real, real_photos
from unveilify.evaluation.evaluate import Bench, evaluate, load_metrics
from unveilify.evaluation.samples import Samples
from unveilify.evaluation.systems import Predictions, Trained, Truth, Untrained, config_of
from unveilify.evaluation.timing import device_name
from unveilify.models.contract import Sized
from unveilify.models.system import System
from unveilify.report import real as real_table
from unveilify.report import terminal
from unveilify.report.config import STAGE, Inputs, ReportConfig, check
from unveilify.report.table import build
from unveilify.report.write import PAGE, TEXT, Measured, write
from unveilify.shards.reader import ShardSet

KEPT = "evaluation"
PLAIN_WIDTH = 120


def run(
    config: ReportConfig,
    inputs: Inputs,
    output_dir: Path,
    *,
    device: str = "auto",
    force: bool = False,
    console: Console | None = None,
) -> Stamp:
    """Evaluate, write the report into ``output_dir``, print the table and where everything lies.

    The same call again changes nothing. Other settings, networks or data make a new report in the same place;
    rows already measured on the same weights and data are kept, beside each run (``evaluation/``) and in
    ``output_dir/evaluation``; ``force`` measures again.

    Raises:
        UserError: no such shards, run or row, an unfinished stage, foreign files in ``output_dir``.
    """
    check(config, inputs, output_dir)
    console = console or Console()
    if not console.is_terminal:
        console.width = max(console.width, PLAIN_WIDTH)
    shards = ShardSet.open(inputs.shards)
    device = str(pick(device))
    networks = [config_of(path) for path in inputs.runs]
    size = config.evaluate.size_px or max([network.size_px for network in networks], default=None)
    samples = Samples(shards.split(config.evaluate.split), config.evaluate, size)
    bench = Bench(samples, shards.hash, load_metrics(config.evaluate, device), device)
    systems = _systems(config, inputs, networks, samples, shards, device)
    _check_rows(config, systems, samples, device)
    for system in systems:
        if isinstance(system, Predictions):
            system.check(map(samples.key, range(len(samples))))
    photos = real_photos.find(config.real) if config.real.folders else None
    names = [[s.label, s.kind, s.identity, s.unfinished if isinstance(s, Trained) else ""] for s in systems]
    machine = [device_name(torch.device(device)), torch.get_num_threads()]  # its times are in the table
    input_hash = sha256_bytes(
        canonical_json(
            [
                shards.hash,
                names,
                machine,
                [c.key for c in bench.columns],
                sorted(bench.missing),
                photos.hash if photos else None,
            ]
        )
    )
    with stage.opened(output_dir, STAGE, config, input_hash, force=force, replace=True) as out:
        pairs = [(system, _folder(system, output_dir)) for system in systems]
        for folder in {folder for _, folder in pairs}:
            cache.tidy(folder)
        done = out.done
        if done is None:
            evaluation = evaluate(config.evaluate, bench, pairs, fresh=force)
            table = build(config, evaluation, _doubts(systems, shards.hash))
            measured = Measured(evaluation, table, samples, tuple(systems), shards.hash)
            if photos is not None:
                in_life = real.RealBench(config.real, config.evaluate, photos, bench, shards)
                found = real.evaluate(in_life, pairs, fresh=force)
                measured = replace(measured, real=real_table.build(config, found, systems))
            write(config, inputs, out, measured)
            done = out.commit({"rows": len(systems), "triplets": len(samples)})
            terminal.show(table, console, measured.real)
        else:
            console.print((output_dir / TEXT).read_text(encoding="utf-8"), markup=False, highlight=False)
            console.print(f"{plain(output_dir)} is up to date.", markup=False, highlight=False, soft_wrap=True)
        console.print(f"The report: {plain(output_dir / PAGE)}", markup=False, highlight=False, soft_wrap=True)
        return done


def _systems(
    config: ReportConfig, inputs: Inputs, networks: list[Sized], samples: Samples, shards: ShardSet, device: str
) -> list[System]:
    """Rows in the order of the table: the truth, rivals that need no training, others' outputs, trained networks."""
    settings = config.evaluate
    rivals = ("copy", *(name for name in settings.rivals if name != "copy"))
    systems: list[System] = [Truth()]
    systems += [Untrained(name, samples.size_px, device, shards, settings.fit_triplets) for name in rivals]
    systems += [Predictions(folder) for folder in inputs.predictions]
    for run_dir, label, network in zip(inputs.runs, _labels(inputs.runs), networks, strict=True):
        systems.append(Trained(label, run_dir, device))
        if settings.given == 0 or not network.uses_identity:
            continue
        if settings.stranger and len(set(samples.groups.tolist())) > 1:
            systems.append(Trained(f"{label} / stranger", run_dir, device, "stranger"))
        if settings.alone:
            systems.append(Trained(f"{label} / no photo", run_dir, device, "alone"))
    labels = [system.label for system in systems]
    twice = [label for label in labels if labels.count(label) > 1]
    if twice:
        raise UserError(f"Two rows would be called '{twice[0]}': rename the folder of one of them.")
    return systems


def _check_rows(config: ReportConfig, systems: list[System], samples: Samples, device: str) -> None:
    """Whether the rows that the settings name are there; asked before anything is measured."""
    labels = [system.label for system in systems]
    if config.against is not None and config.against not in labels:
        raise UserError(f"There is no row '{config.against}' to compare with; there are: {', '.join(labels)}.")
    if config.real.folders:
        mask_finder.named(config.real.finder, systems, samples.stored(0), device)


def _doubts(systems: list[System], data: str) -> list[str]:
    """Rows whose training may have seen the people that they are measured on."""
    trained = [s for s in systems if isinstance(s, Trained) and s.kind == "trained" and s.data not in (None, data)]
    return [f"'{s.label}' {_why(s)}: people of this test split may have been in its training." for s in trained]


def _why(system: Trained) -> str:
    return "was trained on other shards" if system.data else "does not say on which data it was trained"


def _labels(runs: tuple[Path, ...]) -> list[str]:
    """Names of the run directories, with the parent's name where two are called the same."""
    names = [followed(path).name for path in runs]
    return [
        name if names.count(name) == 1 else f"{followed(path).parent.name}/{name}"
        for name, path in zip(names, runs, strict=True)
    ]


def _folder(system: System, output_dir: Path) -> Path:
    """Where its rows are kept: beside the run, for every report; in the report itself where runs can only be read."""
    own = isinstance(system, Trained) and all(
        os.access(folder, os.W_OK) for folder in (system.run_dir, system.run_dir / KEPT) if folder.exists()
    )
    return (system.run_dir if isinstance(system, Trained) and own else output_dir) / KEPT
