"""`unveilify export`: a trained network in one file."""

from pathlib import Path
from typing import Annotated

import typer

from unveilify.cli._options import Replace
from unveilify.core.words import say


def export(
    run: Annotated[
        Path,
        typer.Argument(help="a training run, a network file, or a network of the package by name (unveilify_plus)"),
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="the file, ending in .safetensors or .onnx")],
    part: Annotated[
        str | None, typer.Option(help="for .onnx: of a network that is no single graph this part, find or paint")
    ] = None,
    force: Replace = False,
) -> None:
    """Write a run's best network to one file, to keep or to give away.

    As .safetensors it is in half precision; `unveilify remove --run FILE` takes it as it takes a run, and a training can start
    from it. As .onnx it runs without torch and without unveilify (examples/run_onnx.py), as far as it is a network: of
    `place` and `plus`, which also lay meshes, the parts that are learned can be had, the mask finder and the painter.
    """
    from unveilify.apply.needs import check_onnx
    from unveilify.core import paths
    from unveilify.core.errors import UserError
    from unveilify.unmask.files import network_of

    network = network_of(run)
    paths.check_file(out, network, endings=(".safetensors", ".onnx"), replace=force)
    is_onnx = out.suffix.lower() == ".onnx"
    if part is not None and not is_onnx:
        raise UserError("A --part is for .onnx alone: as .safetensors the network is whole.")
    if is_onnx:
        check_onnx()
    # What loads torch comes when all that was typed is known to be right.
    if is_onnx:
        from unveilify.apply.to_onnx import to_onnx

        apart = to_onnx(network, out, part)
        said = f"What onnxruntime makes of it differs from torch by at most {apart:.1e}, of 2."
    else:
        from unveilify.apply.export import export as write

        difference = write(network, out)
        said = f"Half precision changes a pixel of noise by at most {difference:.2f} of 255."
    say(f"{out}: {out.stat().st_size / 1e6:.1f} MB. {said}")
