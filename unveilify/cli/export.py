"""`unveilify export`: a trained network in one file."""

from pathlib import Path
from typing import Annotated

import typer

from unveilify.cli._options import Replace
from unveilify.core.words import say


def export(
    run: Annotated[Path, typer.Argument(help="a training run, or a network file")],
    out: Annotated[Path, typer.Option("-o", "--out", help="the file, ending in .safetensors")],
    force: Replace = False,
) -> None:
    """Write a run's best network to one file in half precision, to keep or to give away.

    `unveilify remove --run FILE` takes it as it takes a run, and a training can start from it.
    """
    from unveilify.core import paths

    network = paths.network_file(run)
    paths.check_file(out, network, endings=(".safetensors",), replace=force)
    from unveilify.apply.export import export as write  # loads torch, which takes seconds

    difference = write(network, out)
    size = out.stat().st_size / 1e6
    say(f"{out}: {size:.1f} MB. Half precision changes a pixel of noise by at most {difference:.2f} of 255.")
