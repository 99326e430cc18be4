"""`unveilify train`: stage 3."""

from pathlib import Path
from typing import Annotated

import typer

from unveilify.cli._options import RUNS, SHARDS, ConfigFile, Device, Force, Sets
from unveilify.core.words import say


def train(
    shards: Annotated[Path, typer.Option(help="output of `unveilify shard`")] = SHARDS,
    out: Annotated[Path | None, typer.Option(help="run directory; runs/<model> when not given")] = None,
    model: Annotated[str | None, typer.Option(help="the network, as `unveilify plugins` names it")] = None,
    size_px: Annotated[
        int | None, typer.Option(help="picture size; from the shards (64 on a CPU) when not given")
    ] = None,
    samples: Annotated[
        int | None, typer.Option(help="length of the training, in triplets seen; more than before extends it", min=1)
    ] = None,
    landmark_noise: Annotated[
        float | None,
        typer.Option(help="share of triplets whose landmarks have the error of another masked face", min=0, max=1),
    ] = None,
    max_minutes: Annotated[
        float | None, typer.Option(help="stop after so long; the same command goes on later", min=0)
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(help="CPU threads of the arithmetic; OMP_NUM_THREADS or all cores when not given", min=1),
    ] = None,
    workers: Annotated[int | None, typer.Option(help="processes that read and decode", min=0)] = None,
    run: Annotated[
        str | None, typer.Option(help="of a pipeline file with several trainings, only this one; else all of them")
    ] = None,
    tensorboard: Annotated[
        bool,
        typer.Option("--tensorboard", help="write the log's curves for TensorBoard, too, into tensorboard/ of the run"),
    ] = False,
    device: Device = "auto",
    config: ConfigFile = None,
    sets: Sets = None,
    force: Force = False,
) -> None:
    """Train a network on the shards; Ctrl-C and the same command again go on exactly where it stopped."""
    from unveilify.core import stamps
    from unveilify.core.errors import UserError
    from unveilify.pipeline import check_trainings, load, trainings
    from unveilify.training.board import check as check_board

    given = {"model": model, "size_px": size_px, "samples": samples, "landmark_noise": landmark_noise}
    there = trainings(load(config, sets, "train", given))
    if run is not None and run not in there:
        raise UserError(f"There is no training '{run}' in the settings; there are: {', '.join(there)}.")
    chosen = {run: there[run]} if run is not None else there
    if out is not None and len(chosen) > 1:
        raise UserError("--out names the folder of one training, and there are several: name one with --run.")
    places = {out or RUNS / name: settings for name, settings in chosen.items()}
    check_trainings(places, shards)
    if tensorboard:
        check_board(*places)
    stamps.read(shards, "shard", "unveilify shard")
    # What loads torch comes when all that was typed is known to be right.
    from unveilify.training.loop import Machine
    from unveilify.training.loop import run as fit
    from unveilify.training.trainer import trainable

    for settings in places.values():  # a mistake in the last is said before the first is trained
        trainable(settings)
    for where, settings in places.items():
        fit(settings, shards, where, Machine(device, threads, workers, max_minutes, tensorboard), force=force)
    say("Next: unveilify report")
