"""`unveilify remove`: take the mask off photos."""

from pathlib import Path
from typing import Annotated

import typer

from unveilify.cli._options import Device, Replace
from unveilify.core.words import say


def remove(
    photos: Annotated[list[Path], typer.Argument(help="photos of one person with a face mask")],
    out: Annotated[Path, typer.Option("-o", "--out", help="where the result goes: a .png or .jpg, or a folder")],
    identity: Annotated[
        list[Path] | None, typer.Option(help="another photo of the person; may be given many times")
    ] = None,
    run: Annotated[
        Path | None, typer.Option(help="training run, or network file, to use; when not given, the one we ship")
    ] = None,
    landmarks: Annotated[str, typer.Option(help="landmark backends in order")] = "mediapipe",
    device: Device = "auto",
    force: Replace = False,
) -> None:
    """Remove a face mask. The result is a plausible guess, not evidence of who someone is.

    Several photos go to a folder, under their own names as .png; one that cannot be used is named and left out.
    """
    from unveilify.core.errors import UserError
    from unveilify.core.pictures import read, read_picture
    from unveilify.faces.find import Finder
    from unveilify.inference.files import places, write_guess
    from unveilify.inference.remove import references
    from unveilify.inference.remove import remove as take_off
    from unveilify.models.parts.contract import plugin
    from unveilify.models.parts.store import load
    from unveilify.models.parts.system import NetworkSystem
    from unveilify.training.inputs import weights_of
    from unveilify.training.loop import Machine
    from unveilify.weights import SHIPPED, fetch

    results = places(photos, out, keep=identity or (), replace=force)
    stored = load(fetch(SHIPPED) if run is None else weights_of(run))
    if plugin(stored.model).USES_HOLE:
        raise UserError(f"'{stored.model}' must be told where the mask is: take the --run of a network that finds it.")
    system = NetworkSystem.of(stored, Machine(device).resolve())
    finder, failed = Finder(landmarks), 0
    known = references([read(path) for path in identity or ()], finder)
    for photo, result in results.items():
        try:
            picture = read_picture(photo)
            removal = take_off(picture.image, known, system, finder)
        except UserError as error:
            if len(results) == 1:
                raise
            failed += 1
            say(f"{photo} is left out: {error}")
            continue
        if not removal.worn:
            say(f"No mask was found on the face in {photo}, so it is left as it is.")
        lost = write_guess(result, removal.image, stored.model, picture)
        if lost:
            say(f"Not kept of {photo}: {', '.join(lost)}.")
        say(f"{result}: {removal.hole_share:.0%} of the face crop replaced.")
    if not identity:
        say("Nobody told what this person looks like: another photo of theirs as --identity makes it look like them.")
    say("What was painted is a plausible guess, not evidence of who someone is.")
    if failed:
        raise typer.Exit(1)


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(remove)
