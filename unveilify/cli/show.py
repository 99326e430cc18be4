"""`unveilify show`: what a stage has made, in a few lines."""

from pathlib import Path
from typing import Annotated

import typer

from unveilify.core.words import say_lines


def show(directory: Annotated[Path, typer.Argument(help="output of any stage")]) -> None:
    """Say what a directory holds: its stage, counts, settings and pictures to look at; of a training that is not finished how
    far it is, its curves, and what to type."""
    from unveilify.pipeline import describe

    say_lines(describe(directory))
