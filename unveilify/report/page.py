"""One self-contained HTML page: everything is embedded, nothing is fetched; reads on a phone."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from unveilify.core import pictures
from unveilify.core.records import Image
from unveilify.core.words import markup as escape
from unveilify.report.breakdown import Breakdown
from unveilify.report.figures import Strip
from unveilify.report.formats import SECTIONS
from unveilify.report.real import TITLE, RealTable, cells
from unveilify.report.reported import SOURCES, Source
from unveilify.report.style import CSS
from unveilify.report.table import DASH, Head, Table, text

PNG_UP_TO_PX = 128
"""Smaller pictures are embedded without loss, larger ones as JPEG of quality 92."""


@dataclass(frozen=True, slots=True)
class Training:
    """What the page tells of one run: its losses and which were live, settings (YAML), the picture of its curves."""

    label: str
    losses: str
    settings: str
    curves: Path | None


@dataclass(frozen=True, slots=True)
class Content:
    """Everything on the page, top to bottom. ``extremes``: heading -> strips."""

    table: Table
    strips: Sequence[Strip]
    extremes: dict[str, Sequence[Strip]] = field(default_factory=dict)
    real: RealTable | None = None
    breakdowns: Sequence[Breakdown] = ()
    trainings: Sequence[Training] = ()
    commands: Sequence[str] = ()
    versions: dict[str, str] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)


def render(content: Content) -> str:
    """The page as one string of HTML."""
    table = content.table
    parts = [
        _head(table),
        _section("Table", *(_table(table, section.capitalize(), table.of(section)) for section in SECTIONS)),
        _list(table.notes),
        _section("Differences on the same triplets", _differences(table)) if table.differences else "",
        _section("Pictures", _LEGEND, *(_strip(strip) for strip in content.strips)),
        *(_fold(name, "".join(_strip(s) for s in rows)) for name, rows in content.extremes.items() if rows),
        _real(content.real) if content.real else "",
        _section("By kind of mask, pose and person", *_breakdowns(content.breakdowns)) if content.breakdowns else "",
        _section("Training", *(_training(t) for t in content.trainings)) if content.trainings else "",
        _section("Reported elsewhere, by others, on other data", *(_reported(source) for source in SOURCES)),
        _section("How this was made", _made(content)),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>unveilify: metrics</title><style>{CSS}</style></head><body><main>\n"
        + "\n".join(part for part in parts if part)
        + "\n</main></body></html>\n"
    )


_LEGEND = (
    "<p>From left to right: the masked input, the photo of the same person that the network was given, the raw "
    "output of every row, the truth. Chosen evenly over the test split, not by how they look.</p>"
)


def _head(table: Table) -> str:
    facts, share = table.facts, table.facts["hole_share"]
    return (
        "<h1>unveilify: metrics</h1>"
        '<p class="warning">A filled-in face is a plausible guess, not evidence of who someone is or what they look '
        "like.</p>"
        f"<p>{facts['triplets']} test triplets of {facts['identities']} people at "
        f"{facts['size_px']} × {facts['size_px']} pixels. The mask hides {100 * share['mean']:.1f} % of the picture "
        f"on average (5th to 95th percentile: {100 * share['p5']:.1f} to {100 * share['p95']:.1f} %); PSNR and SSIM "
        "of the whole picture follow that share. Brackets: 95 % bootstrap interval over {table.over}. Bold: the best value; "
        "the truth and the controls (a stranger’s photo, no photo) do not compete.</p>"
        + (f"<p>{escape(table.told)}</p>" if table.told else "")
    )


def _table(table: Table, caption: str, heads: Sequence[Head]) -> str:
    rows = []
    for line in table.under(heads):
        cells = []
        for head in heads:
            words = text(head, line.cells[head.key], with_interval=True)
            mean, _, rest = words.partition(" ")
            best = ' class="best"' if line.label in table.best[head.key] else ""
            cells.append(f"<td{best}>{escape(mean)}{f'<small>{escape(rest)}</small>' if rest else ''}</td>")
        rows.append(f'<tr class="{line.kind}"><th scope="row">{escape(line.name)}</th>{"".join(cells)}</tr>')
    return _grid(caption, [h.text for h in heads], rows)


def _differences(table: Table) -> str:
    heads = {head.key: head for head in table.heads}
    tables = []
    for label in dict.fromkeys(d.label for d in table.differences):
        rows = []
        for d in (d for d in table.differences if d.label == label):
            verdict = "better" if d.better else "worse" if d.worse else "open"
            mean, _, rest = text(heads[d.key], d.estimate, with_interval=True).partition(" ")
            rows.append(
                f'<tr><th scope="row">{escape(heads[d.key].text)}</th><td>{mean}<small>{rest}</small></td>'
                f'<td class="{verdict}">{verdict}</td><td>{escape(table.name(d.against))}</td></tr>'
            )
        tables.append(_grid(f"{table.name(label)} minus the best other row", ["difference", "", "that row"], rows))
    # One network's differences stand open; those of many would bury what follows.
    titles = [
        f"{table.name(label)} minus the best other row" for label in dict.fromkeys(d.label for d in table.differences)
    ]
    return "".join(tables if len(tables) == 1 else map(_fold, titles, tables))


def _real(real: RealTable) -> str:
    rows = []
    for label, kind, values in real.lines:
        parts = (words.partition(" ") for words in cells(real, values))
        shown = "".join(f"<td>{m}{f'<small>{escape(rest)}</small>' if rest else ''}</td>" for m, _, rest in parts)
        rows.append(f'<tr class="{kind}"><th scope="row">{escape(label)}</th>{shown}</tr>')
    table = _grid("Every row on the same photos", [head.text for head in real.heads], rows)
    first, *rest = real.strips.items()
    pictures = f"<h3>{escape(first[0])}</h3>{''.join(_strip(s) for s in first[1])}"
    folds = "".join(_fold(name, "".join(_strip(s) for s in strips)) for name, strips in rest)
    words = "".join(f"<p>{escape(text)}</p>" for text in real.words)
    return _section(TITLE, words, table, _list(real.notes), pictures, folds)


def _breakdowns(found: Sequence[Breakdown]) -> list[str]:
    kinds = dict.fromkeys(breakdown.by for breakdown in found)
    return [_fold(f"By {by}", "".join(_breakdown(b) for b in found if b.by == by)) for by in kinds]


def _breakdown(breakdown: Breakdown) -> str:
    rows = [
        f'<tr><th scope="row">{escape(name)}</th><td>{count}</td>'
        + "".join(f"<td>{escape(text(breakdown.head, cell))}</td>" for cell in cells)
        + "</tr>"
        for name, count, cells in breakdown.rows
    ]
    return _grid(f"{breakdown.head.text} by {breakdown.by}", ["triplets", *breakdown.labels], rows)


def _reported(source: Source) -> str:
    rows = [
        f'<tr><th scope="row">{escape(r.system)}</th>'
        + "".join(f"<td>{escape(v or DASH)}</td>" for v in r.values)
        + "</tr>"
        for r in source.rows
    ]
    return _grid(source.title, source.columns, rows) + _list(source.why)


def _training(training: Training) -> str:
    picture = ""
    if training.curves is not None:
        data = base64.b64encode(training.curves.read_bytes()).decode()
        picture = (
            f'<div class="scroll"><img class="wide" alt="training curves" src="data:image/png;base64,{data}"></div>'
        )
    losses = f"<p>Losses: {escape(training.losses)}</p>" if training.losses else ""
    settings = _fold("Settings", f"<pre>{_lines(training.settings)}</pre>") if training.settings else ""
    return f"<h3>{escape(training.label)}</h3>{losses}{picture}{settings}"


def _made(content: Content) -> str:
    commands = "\n".join(content.commands)
    names = {**content.versions, **content.hashes}
    rows = [f'<tr><th scope="row">{escape(k)}</th><td>{escape(v)}</td></tr>' for k, v in names.items()]
    return (f"<pre>{_lines(commands)}</pre>" if commands else "") + _grid("Versions and data", [""], rows)


def _strip(strip: Strip) -> str:
    cells = "".join(
        f'<figure><img alt="{escape(title)}" src="{_embedded(image)}"><figcaption>{escape(title)}</figcaption></figure>'
        for title, image in strip.pictures
    )
    return f'<div class="strip" style="--n:{len(strip.pictures)}">{cells}</div><p class="caption">{escape(strip.caption)}</p>'


def _embedded(image: Image) -> str:
    if image.shape[0] <= PNG_UP_TO_PX:
        return f"data:image/png;base64,{base64.b64encode(pictures.encode_png(image)).decode()}"
    return f"data:image/jpeg;base64,{base64.b64encode(pictures.encode_jpeg(image, 92)).decode()}"


def _grid(caption: str, head: Sequence[str], rows: Sequence[str]) -> str:
    titles = "".join(f'<th scope="col">{escape(title)}</th>' for title in head)
    return (
        f'<div class="scroll"><table><caption>{escape(caption)}</caption><thead><tr><td></td>{titles}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _section(title: str, *parts: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{''.join(parts)}</section>"


def _lines(text: str) -> str:
    return "\n".join(map(escape, text.splitlines()))


def _fold(title: str, body: str) -> str:
    return f"<details><summary>{escape(title)}</summary>{body}</details>"


def _list(items: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(item)}</li>' for item in items)}</ul>" if items else ""
