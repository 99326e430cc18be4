"""Write the files of a report."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from rich.console import Console

from unveilify.core.config import MAX_BYTES
from unveilify.core.written import OutputFolder
from unveilify.evaluation.evaluate import Evaluation
from unveilify.evaluation.samples import Samples
from unveilify.evaluation.systems import Trained
from unveilify.models.system import System
from unveilify.report import figures, formats, made, page, terminal
from unveilify.report.breakdown import breakdowns
from unveilify.report.config import Inputs, ReportConfig
from unveilify.report.figures import Strip
from unveilify.report.real import RealTable
from unveilify.report.table import PALE, Head, Table
from unveilify.training.curves import read_log

PAGE, TEXT = "index.html", "table.txt"


@dataclass(frozen=True, slots=True)
class Measured:
    """All that there is to show; ``data`` is the hash of the shards, ``real`` what real photos say, if any are given."""

    evaluation: Evaluation
    table: Table
    samples: Samples
    systems: tuple[System, ...]
    data: str
    real: RealTable | None = None


def write(config: ReportConfig, inputs: Inputs, out: OutputFolder, measured: Measured) -> None:
    """Write ``table.txt .csv .md .tex .json``, ``triplets.parquet``, figures and ``index.html``."""
    table, real = measured.table, measured.real
    out.write_text(TEXT, as_text(table, real))
    downloads = {
        "table.csv": formats.to_csv(table),
        "table.md": formats.to_markdown(table, real),
        "table.tex": formats.to_latex(table),
    }
    if real is not None:
        downloads["real.csv"] = formats.real_to_csv(real)
    for name, words in downloads.items():
        out.write_text(name, words)
    out.write_json("table.json", formats.to_json(table) | ({"real_photos": formats.real_to_json(real)} if real else {}))
    with out.file("triplets.parquet") as path:
        _triplets(measured.evaluation).to_parquet(path, index=False)
    shown = _examples(config, measured)
    _grid(out, "figure.png", shown)
    extremes = _extremes(config, measured)
    for name, strips in extremes.items():
        _grid(out, f"extremes-{name}.png", strips)
    if real is not None:
        for number, strips in enumerate(real.strips.values()):
            _grid(out, f"real-{number}.png", strips)
    content = page.Content(
        table=table,
        strips=shown,
        extremes={f"Best, median and worst by {table.head(name).title}": strips for name, strips in extremes.items()},
        real=real,
        breakdowns=breakdowns(measured.evaluation, table),
        trainings=[
            _training(number, system, out)
            for number, system in enumerate(
                s for s in measured.systems if isinstance(s, Trained) and s.kind == "trained"
            )
        ],
        commands=inputs.commands,
        versions=made.versions(),
        date=made.now(),
        downloads=downloads,
        hashes=_hashes(measured),
    )
    out.write_text(PAGE, page.render(content))


def as_text(table: Table, real: RealTable | None = None, width: int = 160) -> str:
    """The table as it looks on a terminal, without colours."""
    out = io.StringIO()
    terminal.show(table, Console(width=width, file=out), real)
    return out.getvalue()


def _triplets(evaluation: Evaluation) -> pd.DataFrame:
    """Every value of every row and triplet: row, kind, key, identity, facts, columns."""
    frames = [
        evaluation.facts.merge(row.frame.drop(columns="identity"), on="key").assign(row=row.label, kind=row.kind)
        for row in evaluation.rows
    ]
    return pd.concat(frames, ignore_index=True)


def _examples(config: ReportConfig, measured: Measured) -> list[Strip]:
    wanted = figures.of_different_people(measured.samples.identities, config.figures)
    return figures.strips(measured.samples, wanted, _shown(measured), [_caption(measured, n) for n in wanted])


def _shown(measured: Measured) -> list[System]:
    return [s for s in measured.systems if s.kind not in PALE and s.label != "copy"]


def _caption(measured: Measured, n: int) -> str:
    facts = measured.evaluation.facts.iloc[n]
    words = [str(facts["style"]), str(facts["wear"]), f"hole {100 * facts['hole_share']:.0f} %", str(facts["key"])]
    return ", ".join(word for word in words if word)


def _extremes(config: ReportConfig, measured: Measured) -> dict[str, Sequence[Strip]]:
    """By column (of the hole, of identity) the best, median and worst triplets of the last competing row."""
    competing = [row for row in measured.evaluation.rows if row.kind in ("trained", "predictions")]
    if not competing or not config.extremes:
        return {}
    row = competing[-1]
    found: dict[str, Sequence[Strip]] = {}
    for head in measured.table.heads:
        if head.main and head.section in ("hole", "identity") and head.key not in measured.evaluation.missing:
            picked = figures.extremes(row, head.key, head.better, config.extremes)
            wanted = [n for indices in picked.values() for n in indices]
            captions = [
                f"{which} of {row.label}: {_value(row.frame, head, n)}; {_caption(measured, n)}"
                for which, indices in picked.items()
                for n in indices
            ]
            strips = figures.strips(measured.samples, wanted, _shown(measured), captions)
            if strips:
                found[head.key] = strips
    return found


def _value(frame: pd.DataFrame, head: Head, n: int) -> str:
    return f"{frame[head.key].iloc[n]:.{head.digits}f}{f' {head.unit}' if head.unit else ''}"


def _grid(out: OutputFolder, name: str, strips: Sequence[Strip]) -> None:
    with out.file(name) as path:
        figures.grid(path, strips)


def _training(number: int, system: Trained, out: OutputFolder) -> page.Training:
    log, settings = system.run_dir / "log.jsonl", system.run_dir / "config.yaml"
    # The parent's name is part of a label where two runs have one name: "a/b" beside a run "a-b".
    name = f"curves-{system.label.replace('/', f'-{number}-')}.png"
    whole = settings.is_file() and settings.stat().st_size <= MAX_BYTES
    drawn = bool(read_log(log))
    if drawn:
        with out.file(name) as path:
            figures.curves(log, path)
    return page.Training(
        label=system.label,
        losses=", ".join(live_losses(system.stored.meta)),
        settings=settings.read_text(encoding="utf-8", errors="replace") if whole else "",
        curves=out.directory / name if drawn else None,
    )


def live_losses(meta: dict[str, Any]) -> list[str]:
    """The losses that a stored network was trained with, and whether each was live, as far as it says so."""
    losses = meta.get("losses", {})
    if isinstance(losses, dict):
        return [f"{name}: {state}" for name, state in losses.items() if state != "off"]
    return [str(name) for name in losses] if isinstance(losses, list) else [str(losses)]


def _hashes(measured: Measured) -> dict[str, str]:
    rows = {f"row {s.label}": s.identity for s in measured.systems if s.kind in ("trained", "predictions")}
    photos = {"real photos": measured.real.data} if measured.real else {}
    return {"shards": measured.data, **photos, **rows}
