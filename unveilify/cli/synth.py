"""`unveilify synth`: stage 1."""

from pathlib import Path
from typing import Annotated

import typer

from unveilify.cli._options import SYNTH, ConfigFile, Force, Sets, Workers
from unveilify.core.words import say


def synth(
    source: Annotated[
        Path | None, typer.Option(help="folder of photos, in any layout that `unveilify plugins` lists")
    ] = None,
    out: Annotated[Path, typer.Option(help="where the pairs go")] = SYNTH,
    layout: Annotated[str | None, typer.Option(help="layout of the source; found by itself when not given")] = None,
    landmarks: Annotated[
        str | None, typer.Option(help="landmark backends in order, e.g. mediapipe,insightface")
    ] = None,
    max_rejects: Annotated[
        float | None, typer.Option(help="stop above this share of rejected photos", min=0, max=1)
    ] = None,
    min_age: Annotated[
        int | None, typer.Option(help="leave younger people out, where the layout knows ages", min=0)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would be done, and stop")] = False,
    config: ConfigFile = None,
    sets: Sets = None,
    workers: Workers = None,
    force: Force = False,
) -> None:
    """Find the faces in a folder of photos, align them, and draw face masks on them."""
    from unveilify.core.engine.local import cores
    from unveilify.pipeline import load, say_synth
    from unveilify.synth import run as stage

    given = {
        "layout": layout,
        "landmarks": landmarks,
        "max_rejects": max_rejects,
        "layout_options.min_age": min_age,
    }
    tree = load(config, sets, "synth", given)
    where = source or tree.source
    if where is None:
        raise typer.BadParameter("give --source, a folder of photos (none at hand? `unveilify sample aihub/`)")
    if dry_run:
        planned, listing = stage.plan(tree.synth, where)
        people = len({photo.identity for photo in listing.photos})
        say(f"{len(listing.photos)} photos of {people} people (layout '{planned.layout}') would go to {out}.")
        return
    say_synth(out, stage.run(tree.synth, where, out, workers=workers or cores(), force=force))
    say(f"Contact sheets: {out}/part-*.preview.jpg. Next: unveilify shard")
