"""`unveilify report`: stage 4."""

from pathlib import Path
from typing import Annotated

import typer

from unveilify.cli._options import REPORTS, RUNS, SHARDS, ConfigFile, Device, Force, Sets


def report(
    shards: Annotated[Path, typer.Option(help="output of `unveilify shard`")] = SHARDS,
    runs: Annotated[Path, typer.Option(help="folder of training runs, each of which gets its row; or one run")] = RUNS,
    out: Annotated[Path, typer.Option(help="where the report goes")] = REPORTS,
    predictions: Annotated[
        list[Path] | None,
        typer.Option(help="folder of another system's pictures, named by key; may be given many times"),
    ] = None,
    real: Annotated[
        list[Path] | None,
        typer.Option(help="folder of real photos (PERSON/masked/, PERSON/unmasked/); may be given many times"),
    ] = None,
    device: Device = "auto",
    config: ConfigFile = None,
    sets: Sets = None,
    force: Force = False,
) -> None:
    """Measure every trained network and rival on the test split, and print the metrics table."""
    from unveilify import pipeline
    from unveilify.core import paths

    if runs != RUNS:  # without any training the rivals can be measured all the same
        paths.check_there(runs, "training runs")
    paths.check(out, shards, runs, *(predictions or ()), *(real or ()))
    tree = pipeline.load(config, sets, "report", {"real.folders": real or None})
    inputs = pipeline.report_inputs(shards, runs, tuple(predictions or ()))
    pipeline.report(tree, inputs, out, device, force=force)
