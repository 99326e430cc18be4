"""`unveilify find`: where the masks on photos are."""

from pathlib import Path
from typing import Annotated

import typer

from unveilify.cli._options import Device, Landmarks, Network, Replace, each
from unveilify.core.words import say


def find(
    photos: Annotated[list[Path], typer.Argument(help="photos with faces, masked or not")],
    out: Annotated[Path, typer.Option("-o", "--out", help="where the masks go: a .png, or a folder")],
    run: Network = None,
    landmarks: Landmarks = "mediapipe",
    device: Device = "auto",
    force: Replace = False,
) -> None:
    """Find the face masks worn on photos: grey pictures of the photos' sizes, 255 where a mask is, soft at its edge.

    Every face that is found is looked at. Several photos go to a folder, under their own names as .png; one that
    cannot be used is named and left out.
    """
    from unveilify.core.engine.device import pick, set_threads
    from unveilify.core.errors import UserError
    from unveilify.core.pictures import encode_png, read
    from unveilify.core.storage import write_bytes
    from unveilify.faces.find import Finder
    from unveilify.models.store import load, network_file
    from unveilify.models.system import NetworkSystem
    from unveilify.unmask.any_way import AnyWay
    from unveilify.unmask.files import places
    from unveilify.unmask.find import find as find_masks
    from unveilify.weights import FINDER, fetch

    results = places(photos, out, replace=force)
    if wrong := next((path for path in results.values() if path.suffix.lower() != ".png"), None):
        raise UserError(f"What is found is no photo and would suffer as a JPEG: let {wrong} end in .png.")
    stored = load(fetch(FINDER) if run is None else network_file(run))
    if not hasattr(stored.network, "look"):
        raise UserError(f"'{stored.model}' does not find masks: take the --run of a network `find`.")
    set_threads()
    system = NetworkSystem.of(stored, pick(device))
    finder = AnyWay(Finder(landmarks), system)

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
