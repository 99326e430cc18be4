"""`unveilify run`: a whole pipeline file."""

from pathlib import Path
from typing import Annotated

import typer

from unveilify.cli._options import Device, Sets, Workers


def run(
    file: Annotated[Path, typer.Argument(help="a pipeline file, or the name of one of the package, as demo")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what each stage would do, and stop")] = False,
    first: Annotated[str | None, typer.Option("--from", help="build this stage and the ones after it anew")] = None,
    max_minutes: Annotated[float | None, typer.Option(help="most minutes of training", min=0)] = None,
    sets: Sets = None,
    workers: Workers = None,
    device: Device = "auto",
) -> None:
    """Run every stage of a pipeline file, keeping what is already up to date."""
    from unveilify import pipeline
    from unveilify.core.engine.local import cores
    from unveilify.core.errors import UserError
    from unveilify.core.pipeline_files import named, there

    if not named(file).exists():
        raise UserError(f"There is no pipeline file {file}; those of the package are {', '.join(there())}.")
    how = pipeline.How(workers or cores(), device, max_minutes)
    pipeline.run(pipeline.load(file, sets), how, first=first, dry_run=dry_run)
