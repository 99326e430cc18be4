"""`unveilify sample`: an invented data set for a machine with no data."""

from pathlib import Path
from typing import Annotated

import typer

from unveilify.core.words import say


def sample(
    folder: Annotated[Path, typer.Argument(help="folder to fill, for example aihub/")],
    people: Annotated[int, typer.Option(help="invented people", min=3)] = 60,
    seed: Annotated[int, typer.Option(help="another seed, other people")] = 0,
) -> None:
    """Write an AI-Hub-shaped tree of invented people: warps of one public-domain portrait, no real person."""
    from unveilify.sources.layouts.sample import make_sample

    written = make_sample(folder, people=people, seed=seed)
    if written:
        say(f"{written} photos written, of {people} invented people, in {folder}.")
    say(f"Next: unveilify synth --source {folder}")
