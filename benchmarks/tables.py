"""Tables on the terminal or in Markdown, for the scripts beside this one."""

from collections.abc import Sequence


def show(head: Sequence[str], rows: Sequence[Sequence[str]], *, markdown: bool) -> str:
    """The rows under their heads, the first column to the left and all others to the right."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = [
        [
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        for row in [head, *rows]
    ]
    if not markdown:
        return "\n".join("  ".join(line).rstrip() for line in lines)
    rule = ["-" * (width - 1) + ("-" if i == 0 else ":") for i, width in enumerate(widths)]
    return "\n".join("| " + " | ".join(line) + " |" for line in [lines[0], rule, *lines[1:]])
