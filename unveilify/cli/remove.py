"""`unveilify remove`: take the mask off photos."""

from pathlib import Path
from typing import Annotated

import typer

from unveilify.cli._options import Device, Landmarks, Network, Replace, each
from unveilify.core.words import say


def remove(
    photos: Annotated[list[Path], typer.Argument(help="photos of one person with a face mask")],
    out: Annotated[Path, typer.Option("-o", "--out", help="where the result goes: a .png or .jpg, or a folder")],
    identity: Annotated[
        list[Path] | None, typer.Option(help="another photo of the person; may be given many times")
    ] = None,
    run: Network = None,
    landmarks: Landmarks = "mediapipe",
    device: Device = "auto",
    force: Replace = False,
) -> None:
    """Remove a face mask. The result is a plausible guess, not evidence of who someone is.

    Several photos go to a folder, under their own names as .png; one that cannot be used is named and left out.
    """
    from unveilify.core.pictures import read_picture
    from unveilify.unmask.files import check_photos, network_of, places, write_guess

    results = places(photos, out, keep=identity or (), replace=force)
    check_photos(photos, identity or ())
    network_of(run)
    # What loads torch comes when all that was typed is known to be right.
    from unveilify.core.engine.device import set_threads
    from unveilify.unmask.unmasker import Unmasker

    set_threads()
    unmasker = Unmasker.load(run, device=device, landmarks=landmarks)
    known = unmasker.know(identity or ())

    def take_off(photo: Path, result: Path) -> None:
        picture = read_picture(photo)
        removal = unmasker.remove(picture.image, known)
        if not removal.worn:
            say(f"No mask was found on the face in {photo}, so it is left as it is.")
        lost = write_guess(result, removal.image, unmasker.model, picture)
        if lost:
            say(f"Not kept of {photo}: {', '.join(lost)}.")
        say(f"{result}: {removal.hole_share:.0%} of the face crop replaced.")

    left_out = each(results, take_off)
    if not identity:
        say("Nobody told what this person looks like: another photo of theirs as --identity makes it look like them.")
    say("What was painted is a plausible guess, not evidence of who someone is.")
    if left_out:
        raise typer.Exit(1)
