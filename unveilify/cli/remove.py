"""`unveilify remove`: take the masks off photos."""

from pathlib import Path
from typing import Annotated

import typer

from unveilify.cli._options import RULE, Device, Landmarks, Network, Replace, each
from unveilify.core.words import say


def remove(
    photos: Annotated[list[Path], typer.Argument(help="photos with face masks, or one folder of them")],
    out: Annotated[
        Path,
        typer.Option("-o", "--out", help=f"where the result goes: {RULE}"),
    ],
    identity: Annotated[
        list[Path] | None, typer.Option(help="another photo of the person; may be given many times")
    ] = None,
    face: Annotated[
        int | None, typer.Option(help="of several faces only this one, counted from 1, the most prominent first", min=1)
    ] = None,
    hole: Annotated[
        Path | None, typer.Option(help="a picture of the photo's size, white where it is to be replaced")
    ] = None,
    strength: Annotated[float, typer.Option(help="how far the result covers the photo, 0 to 1", min=0, max=1)] = 1.0,
    run: Network = None,
    system: Annotated[
        str | None,
        typer.Option(help="in place of --run: a network of the package, or one that needs no training, by name"),
    ] = None,
    landmarks: Landmarks = "mediapipe",
    device: Device = "auto",
    force: Replace = False,
) -> None:
    """Remove face masks, of every face that wears one. The result is a plausible guess, not evidence of who someone is.

    In a folder results are .png; a file is of the kind that its name says. Of several photos one that cannot be used is named
    and left out. Of a folder whose people have folders of their own, photos in PERSON/identity/ show what PERSON looks like.
    """
    from unveilify.core.errors import UserError
    from unveilify.core.pictures import read_picture
    from unveilify.unmask import files

    todo, there = files.jobs(photos, out, identity or (), keep=[hole] if hole else (), replace=force)
    if there:
        say(f"{there} results are there already and stay (--force makes them again).")
    if not todo:
        return
    files.check_photos([job.photo for job in todo], identity or ())
    if run is not None and system is not None:
        raise UserError("--run and --system each name a network: give one of them.")
    if system is not None:
        files.check_system(system)
    files.network_of(run)
    drawn = files.read_hole(hole, [job.photo for job in todo]) if hole is not None else None
    given = [read_picture(path).image for path in identity or ()]
    # What loads torch comes when all that was typed is known to be right.
    from unveilify.core.engine.device import set_threads
    from unveilify.unmask import told
    from unveilify.unmask.unmasker import Unmasker

    set_threads()
    unmasker = Unmasker.load(run, system=system, device=device, landmarks=landmarks)
    people = told.People(unmasker, dict(zip(identity or (), given, strict=True)))
    people.of(tuple(identity or ()), strict=True)  # what is wrong with these is said before the first photo is done
    ways = {job.photo: job for job in todo}

    painted = 0

    def take_off(photo: Path, result: Path) -> None:
        nonlocal painted
        picture = read_picture(photo)
        known = people.of(ways[photo].identity)
        removal = unmasker.remove(picture.image, known, face=face, hole=drawn, strength=strength)
        for line in told.of_faces(photo, removal, hole is not None):
            say(line)
        lost = files.write_guess(result, removal.image, unmasker.model, picture, altered=removal.worn)
        if lost:
            say(f"Not kept of {photo}: {', '.join(lost)}.")
        painted += removal.worn
        say(f"{result}: {removal.hole_share:.0%} of the face crop replaced.")

    left_out = each({job.photo: job.result for job in todo}, take_off)
    if painted and not any(job.identity for job in todo):
        say("Nobody told what this person looks like: another photo of theirs as --identity makes it look like them.")
    if painted:
        say("What was painted is a plausible guess, not evidence of who someone is.")
    if left_out:
        raise typer.Exit(1)
