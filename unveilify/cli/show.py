"""`unveilify show`: what a finished stage is, in a few lines."""

from pathlib import Path
from typing import Annotated

import typer

from unveilify.core.words import say


def show(directory: Annotated[Path, typer.Argument(help="output of any stage")]) -> None:
    """Say what a directory holds: its stage, counts, settings and pictures to look at."""
    from unveilify.pipeline import describe

    for line in describe(directory).split("\n"):
        say(line)


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(show)
