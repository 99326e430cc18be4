"""`unveilify find`: where the masks on photos are."""

from pathlib import Path
from typing import Annotated

import typer

from unveilify.cli._options import RULE, Device, Landmarks, Network, Replace, each
from unveilify.core.words import say


def find(
    photos: Annotated[list[Path], typer.Argument(help="photos with faces, masked or not")],
    out: Annotated[Path, typer.Option("-o", "--out", help=f"where the masks go, as .png: {RULE}")],
    run: Network = None,
    landmarks: Landmarks = "mediapipe",
    device: Device = "auto",
    force: Replace = False,
) -> None:
    """Find the face masks worn on photos: grey pictures of the photos' sizes, 255 where a mask is, soft at its edge.

    Every face that is found is looked at. Several photos go to a folder, under their own names as .png; one that
    cannot be used is named and left out.
    """
    from unveilify.core.errors import UserError
    from unveilify.core.paths import network_file
    from unveilify.core.pictures import encode_png, read
    from unveilify.core.results import places
    from unveilify.core.storage import write_bytes
    from unveilify.faces.find import Finder
    from unveilify.unmask.files import check_photos, still_to_do
    from unveilify.weights import FINDER, fetch

    # A JPEG would suffer: it is no photo.
    results = places(photos, out, endings=(".png",), replace=force or len(photos) > 1)
    results, there = still_to_do(results, replace=force)
    if there:
        say(f"{there} results are there already and stay (--force makes them again).")
    if not results:
        return
    check_photos(list(results))
    network, backends = fetch(FINDER) if run is None else network_file(run), Finder(landmarks)
    # What loads torch comes when all that was typed is known to be right.
    from unveilify.core.engine.device import pick, set_threads
    from unveilify.models.store import load
    from unveilify.models.system import NetworkSystem
    from unveilify.unmask.any_way import AnyWay
    from unveilify.unmask.find import find as find_masks

    stored = load(network)
    if not hasattr(stored.network, "look"):
        raise UserError(f"'{stored.model}' does not find masks: take the --run of a network `find`.")
    set_threads()
    system = NetworkSystem.of(stored, pick(device))
    finder = AnyWay(backends, system)

    def look(photo: Path, result: Path) -> None:
        image = read(photo)
        faces = finder.find(image, masked=True, everyone=True)
        if not faces:
            raise UserError(f"There is no face to be found in {photo}: give a picture in which it is larger.")
        found = find_masks(image, faces, system)
        write_bytes(result, encode_png(found.hole))
        several = f"masks on {found.masked} of {found.faces} faces" if found.faces > 1 else "a mask"
        said = f"{several} found" if found.masked else "no mask is worn"
        say(f"{result}: {said}, {(found.hole > 127).mean():.1%} of the photo.")

    if each(results, look):
        raise typer.Exit(1)
