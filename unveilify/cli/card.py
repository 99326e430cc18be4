"""`unveilify card`: the card of a data set."""

from pathlib import Path
from typing import Annotated

import typer

from unveilify.cli._options import SHARDS
from unveilify.core.words import say_lines


def card(directory: Annotated[Path, typer.Argument(help="output of `unveilify shard`")] = SHARDS) -> None:
    """Print the card of a sharded data set (its README.md)."""
    from unveilify.core import stamps
    from unveilify.core.errors import UserError
    from unveilify.shards.card import README

    stamps.read(directory, "shard", "unveilify shard")
    try:
        say_lines((directory / README).read_text(encoding="utf-8"))
    except (FileNotFoundError, UnicodeDecodeError):
        raise UserError(
            f"{directory / README} is gone or no text: put it back, or build the shards anew with `unveilify shard --force`."
        ) from None
