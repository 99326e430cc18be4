"""The table as CSV, Markdown, LaTeX and JSON."""

import csv
import io
import math
from dataclasses import asdict
from typing import Any

from unveilify.core.words import cell as spreadsheet
from unveilify.core.words import comment, latex, markdown
from unveilify.evaluation.statistics import Estimate
from unveilify.report.reported import SOURCES, Source
from unveilify.report.table import DASH, Head, Line, Section, Table, text

SECTIONS: tuple[Section, ...] = ("whole picture", "hole", "identity", "cost")


def to_csv(table: Table) -> str:
    """One line per row; per column its mean and, where there is an interval, ``_low`` and ``_high``.

    Full precision; a value that is missing is empty.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    heads = table.heads
    names = [n for h in heads for n in ((h.key,) if h.section == "cost" else (h.key, f"{h.key}_low", f"{h.key}_high"))]
    writer.writerow(["row", "kind", "unfinished", *names])
    for line in table.lines:
        values = []
        for head in heads:
            cell = line.cells[head.key]
            numbers = (cell.mean, cell.low, cell.high) if cell else (math.nan,) * 3
            values += [repr(v) if math.isfinite(v) else "" for v in numbers[: 1 if head.section == "cost" else 3]]
        writer.writerow([spreadsheet(line.label), line.kind, line.unfinished, *values])
    return out.getvalue()


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


def to_markdown(table: Table) -> str:
    """Readable as it is; one table per section, with intervals; the best value of a column is bold."""
    facts, share = table.facts, table.facts["hole_share"]
    parts = [
        "# Metrics",
        f"{facts['triplets']} test triplets of {facts['identities']} people at {facts['size_px']} px. The hole is "
        f"{100 * share['mean']:.1f} % of the picture on average (5th to 95th percentile {100 * share['p5']:.1f} to "
        f"{100 * share['p95']:.1f} %). Intervals: 95 % bootstrap over {table.over}. Bold: the best value, where `truth` and "
        "the controls (a stranger's photo, no photo) do not compete.",
        *([markdown(table.told)] if table.told else []),
    ]
    for section in SECTIONS:
        heads = table.of(section)
        parts += [f"## {section.capitalize()}", _grid(["", *(h.text for h in heads)], _markdown_rows(table, heads))]
    if table.differences:
        parts += ["## Differences on the same triplets", _differences(table)]
    parts += ["## Notes", "\n".join(f"- {markdown(note)}" for note in table.notes)] if table.notes else []
    parts += [
        "## Reported elsewhere, by others, on other data",
        *(part for source in SOURCES for part in _reported(source)),
    ]
    return "\n\n".join(parts) + "\n"


def to_latex(table: Table) -> str:
    r"""A ``tabular`` of the main columns for ``\input``; needs the package booktabs."""
    heads = [head for head in table.heads if head.main]
    arrows = {"higher": r"\,$\uparrow$", "lower": r"\,$\downarrow$", "neither": ""}
    titles = [f"{latex(h.title)}{arrows[h.better]}{f' [{latex(h.unit)}]' if h.unit else ''}" for h in heads]
    rows = []
    for line in table.lines:
        cells = []
        for head in heads:
            cell = text(head, line.cells[head.key]).replace(DASH, "--")
            cells.append(rf"\textbf{{{cell}}}" if line.label in table.best[head.key] else cell)
        rows.append(" & ".join([latex(line.name), *cells]) + r" \\")
    body = "\n".join(rows)
    notes = "".join(f"% {comment(note)}\n" for note in table.notes)
    return (
        f"{notes}\\begin{{tabular}}{{l{'r' * len(heads)}}}\n\\toprule\n"
        + " & ".join(["", *titles])
        + f" \\\\\n\\midrule\n{body}\n\\bottomrule\n\\end{{tabular}}\n"
    )


def _estimate(value: Estimate | None) -> dict[str, float | int | None] | None:
    if value is None or not math.isfinite(value.mean):
        return None
    return {k: (v if math.isfinite(v) else None) for k, v in asdict(value).items()}


def _markdown_rows(table: Table, heads: list[Head]) -> list[list[str]]:
    def cell(line: Line, head: Head) -> str:
        words = text(head, line.cells[head.key], with_interval=True)
        return f"**{words}**" if line.label in table.best[head.key] else words

    return [[markdown(line.name), *(cell(line, head) for head in heads)] for line in table.under(heads)]


def _differences(table: Table) -> str:
    heads = {head.key: head for head in table.heads}
    rows = [
        [
            markdown(table.name(d.label)),
            markdown(table.name(d.against)),
            heads[d.key].text,
            text(heads[d.key], d.estimate, with_interval=True),
            "better" if d.better else "worse" if d.worse else "open",
        ]
        for d in table.differences
    ]
    return _grid(["", "against", "column", "difference", ""], rows)


def _reported(source: Source) -> list[str]:
    rows = [[r.system, *(value or DASH for value in r.values)] for r in source.rows]
    why = "\n".join(f"- {reason}" for reason in source.why)
    return [f"**{source.title}**", _grid(["", *source.columns], rows), why]


def _grid(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---", *(["---:"] * (len(head) - 1))], *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
