"""`unveilify mask`: just masks on photos."""

from pathlib import Path
from typing import Annotated

import typer

from unveilify.cli._options import RULE, ConfigFile, Force, Sets, Workers, known_backends
from unveilify.core.words import say


def mask(
    photos: Annotated[Path, typer.Argument(help="a photo, or a folder of them")],
    out: Annotated[Path, typer.Option("-o", "--out", help=f"where the masked photos go: {RULE}")],
    style: Annotated[str | None, typer.Option(help="one mask style, as `unveilify plugins` names it")] = None,
    wear: Annotated[
        str | None, typer.Option(help="one way of wearing: proper, under_nose, chin, loose, tilted …")
    ] = None,
    color: Annotated[str | None, typer.Option(help="one colour for all, as #rrggbb")] = None,
    landmarks: Annotated[
        str, typer.Option(callback=known_backends, help="landmark backends in order; 'sidecar' reads given ones")
    ] = "mediapipe",
    aligned: Annotated[
        bool, typer.Option("--aligned", help="a picture without a face found is an aligned crop")
    ] = False,
    seed: Annotated[int, typer.Option(help="another seed, other masks")] = 0,
    config: ConfigFile = None,
    sets: Sets = None,
    workers: Workers = None,
    force: Force = False,
) -> None:
    """Draw face masks on photos, every face, at full size. In a folder alpha and parameters are written beside them.

    The folder belongs to this command: other settings or photos go to another one, or take its place with --force.

    A mask of your own: --style custom with --set synth.mask.options.custom.png=FILE and its six anchors.
    """
    from unveilify.core.engine.local import cores
    from unveilify.core.results import is_file
    from unveilify.masks.config import MaskConfig
    from unveilify.pipeline import load
    from unveilify.synth.photos import Masking, mask_photo, mask_photos

    chosen: dict[str, object] = {"color": color} if color else {}
    if style:
        chosen["styles"] = {style: 1.0}
    if wear:
        chosen["wears"] = {wear: 1.0}
    drawn = MaskConfig.model_validate(load(config, sets).synth.mask.model_dump() | chosen)
    masking = Masking(mask=drawn, landmarks=landmarks, aligned=aligned, seed=seed)
    if is_file(out, [photos]):
        lost = mask_photo(photos, out, masking, replace=force)
        say(f"{out}: masked.")
        if lost:
            say(f"Not kept of {photos}: {', '.join(lost)}.")
        return
    counts = mask_photos(photos, out, masking, workers or cores(), force=force)
    say(", ".join(f"{n} {what}" for what, n in counts.most_common()) + f" -> {out} (manifest.csv names every file)")
    if not counts["masked"]:
        raise typer.Exit(1)
