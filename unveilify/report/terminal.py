"""The table on the terminal."""

from rich import box, markup
from rich.console import Console
from rich.table import Table as Grid

from unveilify.core.words import message
from unveilify.report.real import TITLE, RealTable
from unveilify.report.table import ARROWS, PALE, Head, Table, text

COLOURS = {"better": "green", "worse": "red", "open": "dim"}


def show(table: Table, console: Console, real: RealTable | None = None) -> None:
    """Print the main columns, how the trained rows differ from the best other row, and what real photos say."""
    facts, share = table.facts, table.facts["hole_share"]
    grid = Grid(
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        title=f"{facts['triplets']} test triplets of {facts['identities']} people at {facts['size_px']} px; "
        f"the hole is {100 * share['mean']:.0f} % of the picture",
        title_justify="left",
        caption="\n".join(escape(note) for note in [table.told, *table.notes] if note) or None,
        caption_justify="left",
    )
    heads = table.main
    grid.add_column("", no_wrap=True)
    for head in heads:
        grid.add_column(escape(_folded(head)), justify="right", vertical="bottom")
    for line in table.lines:
        cells = []
        for head in heads:
            cell = text(head, line.cells[head.key])
            cells.append(f"[bold]{cell}[/bold]" if line.label in table.best[head.key] else cell)
        grid.add_row(escape(line.name), *cells, style="dim" if line.kind in PALE else "")
    console.print(grid)
    _show_differences(table, console)
    if real is not None:
        _show_real(real, console)


def _folded(head: Head) -> str:
    """A narrow head: ``identity`` over ``to others`` over the judge, with the arrow and the unit below."""
    name, _, judge = head.title.partition(" (")
    judge, _, rest = judge.partition(")")
    lines = [*name.split(" ", 1), f"({judge})" if judge else "", rest.strip(), _below(head)]
    return "\n".join(line for line in lines if line)


def _below(head: Head) -> str:
    return f"{head.unit} {ARROWS[head.better]}".strip()


def _show_differences(table: Table, console: Console) -> None:
    shown = [d for d in table.differences if table.head(d.key).main]
    if not shown:
        return
    grid = Grid(
        box=box.SIMPLE_HEAD,
        title=f"differences on the same triplets, with 95 % intervals over {table.over}",
        title_justify="left",
    )
    for name in ("", "against", "column"):
        grid.add_column(name)
    grid.add_column("difference", justify="right")
    grid.add_column("")
    for d in shown:
        grid.add_row(
            escape(table.name(d.label)),
            escape(table.name(d.against)),
            escape(table.head(d.key).text),
            text(table.head(d.key), d.estimate, with_interval=True),
            f"[{COLOURS[d.verdict]}]{d.verdict}[/]",
        )
    console.print(grid)


def _show_real(real: RealTable, console: Console) -> None:
    grid = Grid(
        box=box.SIMPLE_HEAD,
        title=TITLE.lower(),
        title_justify="left",
        caption=escape("\n".join([*real.words, *real.notes])),
        caption_justify="left",
    )
    grid.add_column("", no_wrap=True)
    for head in real.heads:
        grid.add_column(escape(_folded(head)), justify="right", vertical="bottom", no_wrap=True)
    for line in real.lines:
        cells = [text(head, line.cells[head.key], with_interval=True) for head in real.heads]
        grid.add_row(escape(line.name), *cells, style="dim" if line.kind in PALE else "")
    console.print(grid)


def escape(words: str) -> str:
    """Words as they are: neither rich's markup nor the terminal's codes in them act."""
    return markup.escape(message(words))
