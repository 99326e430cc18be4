"""The table as CSV, Markdown, LaTeX and JSON."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from unveilify.core.words import cell as spreadsheet
from unveilify.evaluation.statistics import Estimate
from unveilify.report.fill import fill
from unveilify.report.headline import headlines
from unveilify.report.notes import DASH
from unveilify.report.real import TITLE, RealTable
from unveilify.report.reported import SOURCES
from unveilify.report.table import SECTIONS, Head, Line, Table, text


def to_csv(table: Table) -> str:
    """One line per row; per column its mean and, where there is an interval, ``_low`` and ``_high``.

    Full precision; a value that is missing is empty.
    """
    rows = [
        {"row": spreadsheet(line.label), "kind": line.kind, "unfinished": line.unfinished} | _numbers(table.heads, line)
        for line in table.lines
    ]
    return _csv(rows)


def real_to_csv(real: RealTable) -> str:
    """As `to_csv`, of real photos; what is unfinished is marked in the name."""
    return _csv(
        [{"row": spreadsheet(line.name), "kind": line.kind} | _numbers(real.heads, line) for line in real.lines]
    )


def to_json(table: Table) -> dict[str, Any]:
    """Everything, as a tree; a value that is missing is null."""
    return {
        "facts": table.facts,
        "columns": [asdict(head) for head in table.heads],
        "rows": [
            {
                "row": line.label,
                "kind": line.kind,
                "unfinished": line.unfinished or None,
                "values": {head.key: _estimate(line.cells[head.key]) for head in table.heads},
                **{k: v for k, v in line.about.items() if k in ("model", "model_config", "cost")},
            }
            for line in table.lines
        ],
        "best": table.best,
        "differences": [{**asdict(d), "column": d.key, "estimate": _estimate(d.estimate)} for d in table.differences],
        "notes": table.notes,
        "reported_elsewhere": [asdict(source) for source in SOURCES],
    }


def real_to_json(real: RealTable) -> dict[str, Any]:
    """As `to_json`, of real photos, without the pictures."""
    rows = []
    for line in real.lines:
        values = {head: {k: v for k, v in _finite(e).items() if k != "people"} for head, e in line.cells.items()}
        rows.append({"row": line.name, "kind": line.kind, "values": values})
    return {"rows": rows, "about": real.words, "notes": real.notes}


def to_markdown(table: Table, real: RealTable | None = None) -> str:
    """Readable as it is; one table per section, with intervals; the best value of a column is bold."""
    return fill(
        "table.md",
        table=table,
        headlines=headlines(table),
        real=real,
        sections=SECTIONS,
        sources=SOURCES,
        real_title=TITLE,
        dash=DASH,
        text=text,
    )


def to_latex(table: Table) -> str:
    r"""A ``tabular`` of the main columns for ``\input``; needs the package booktabs."""
    return fill("table.tex", table=table, heads=table.main, text=text)


def _csv(rows: list[dict[str, object]]) -> str:
    # As objects whole numbers stay whole beside values that are missing.
    return pd.DataFrame(rows, dtype=object).to_csv(index=False, lineterminator="\n")


def _numbers(heads: Sequence[Head], line: Line) -> dict[str, object]:
    found: dict[str, object] = {}
    for head in heads:
        ends = ("mean",) if head.section == "cost" else ("mean", "low", "high")
        values = _finite(line.cells[head.key])
        found |= {head.key if end == "mean" else f"{head.key}_{end}": values.get(end) for end in ends}
    return found


def _estimate(value: Estimate | None) -> dict[str, float | int | None] | None:
    found = _finite(value)
    return found if found.get("mean") is not None else None


def _finite(value: Estimate | None) -> dict[str, float | int | None]:
    """What is measured, by name; None what is not a finite number."""
    return {} if value is None else {k: v if math.isfinite(v) else None for k, v in asdict(value).items()}
