"""`unveilify remove`: take the mask off a photo."""

from pathlib import Path
from typing import Annotated

import typer

from unveilify.cli._options import RUNS, Device


def remove(
    photo: Annotated[Path, typer.Argument(help="photo of a person with a face mask")],
    out: Annotated[Path, typer.Option("-o", "--out", help="where the result goes (.png or .jpg)")],
    identity: Annotated[
        list[Path] | None, typer.Option(help="another photo of the person; may be given many times")
    ] = None,
    run: Annotated[Path, typer.Option(help="training run whose best network is used")] = RUNS / "unveilify",
    landmarks: Annotated[str, typer.Option(help="landmark backends in order")] = "mediapipe",
    device: Device = "auto",
) -> None:
    """Remove a face mask. The result is a plausible guess, not evidence of who someone is."""
    from unveilify.core.errors import UserError
    from unveilify.core.pictures import read
    from unveilify.faces.find import Finder
    from unveilify.inference.files import write_guess
    from unveilify.inference.remove import remove as take_off
    from unveilify.models.parts.store import load
    from unveilify.training.loop import Machine

    if not (run / "best.safetensors").is_file():
        raise UserError(f"There is no trained network in {run}: run `unveilify train` first, or name a --run.")
    if out.resolve() in {path.resolve() for path in (photo, *(identity or ()))}:
        raise UserError(f"The result would replace the photo {out}: give another -o.")
    stored = load(run / "best.safetensors")
    network = stored.network.to(Machine(device).resolve())
    known = [read(path) for path in identity or ()]
    result = take_off(read(photo), known, network, stored.config.size_px, Finder(landmarks))
    if not result.worn:
        print(f"No mask was found on the face in {photo}, so it is left as it is.")
    write_guess(out, result.image, stored.model)
    print(
        f"{out}: {result.hole_share:.0%} of the face crop replaced. A plausible guess, not evidence of who someone is."
    )


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(remove)
