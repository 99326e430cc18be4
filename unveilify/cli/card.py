"""`unveilify card`: the card of a data set."""

from pathlib import Path
from typing import Annotated

import typer

from unveilify.cli._options import SHARDS


def card(directory: Annotated[Path, typer.Argument(help="output of `unveilify shard`")] = SHARDS) -> None:
    """Print the card of a sharded data set (its README.md)."""
    from unveilify.core import stamps

    stamps.read(directory, "shard", "unveilify shard")
    print((directory / "README.md").read_text(encoding="utf-8"))


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(card)
