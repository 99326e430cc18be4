"""Whether a place can be written to without harm, asked before any work is done and before anything is touched."""

import os
from collections.abc import Sequence
from pathlib import Path

from unveilify.core.errors import UserError
from unveilify.core.storage import check_name, followed

BEST = "best.safetensors"
"""A run's best network, in its directory."""

MODEL = "model.safetensors"
"""The network in a folder that `unveilify publish` made."""


def check(output: Path, *reads: Path | None) -> None:
    """Raise `UserError` unless the folder ``output`` can be written and lies apart from everything in ``reads``.

    Apart: not the same, none inside the other, links followed. A file in ``reads`` may lie beside the output, not in it.
    Nor may it lie in what another stage keeps for its own output.
    """
    check_name(output)
    for read in reads:
        if read is not None:
            _apart(output, read)
    _in_no_stage(output)
    _check_writable(output)


def _check_writable(output: Path) -> None:
    there = _existing(output)
    if not there.is_dir():
        raise UserError(f"{there} is a file, and {output} must be a folder: give another.")
    if not os.access(there, os.W_OK | os.X_OK):
        raise UserError(f"Nothing can be written into {there} (no permission): give another folder than {output}.")


def check_there(folder: Path | None, what: str) -> None:
    """Raise `UserError` unless there is this folder of ``what``, if one is asked for."""
    if folder is not None and not folder.is_dir():
        raise UserError(f"There is no folder {folder} of {what}: give one that is there, or leave it out.")


def network_file(run: Path) -> Path:
    """The network file that a path means: itself, the best one of a run directory, or that of a published folder.

    Raises:
        UserError: there is none.
    """
    check_name(run)
    path = run / BEST if run.is_dir() else run
    if run.is_dir() and not path.is_file() and (run / MODEL).is_file():
        return run / MODEL
    if not path.is_file():
        raise UserError(
            f"There is no trained network {path}: give a run directory of `unveilify train`, or its {BEST}."
        )
    return path


def check_file(output: Path, *reads: Path | None, endings: Sequence[str] = (), replace: bool = False) -> None:
    """Raise `UserError` unless the file ``output`` can be written, is none of ``reads``, and belongs to no stage.

    What is there already goes only if ``replace`` says so.
    """
    if endings and output.suffix.lower() not in endings and not output.is_dir():
        raise UserError(f"{output} is no name for what comes out: let it end in {' or '.join(endings)}.")
    whole = followed(output)
    for read in reads:
        if read is not None and followed(read) == whole:
            raise UserError(f"{output} would be replaced by what is made from it: give another name.")
    _in_no_stage(output)
    if output.is_dir():
        raise UserError(f"{output} is a folder: give the name of a file in it.")
    if os.path.lexists(output) and not replace:
        raise UserError(f"{output} is there already: give another name, or --force to replace it.")
    _check_writable(output.parent)


def _in_no_stage(output: Path) -> None:
    from unveilify.core.stamps import BEGUN, STAMP

    for parent in followed(output).parents:
        if (parent / BEGUN).is_file() or (parent / STAMP).is_file():
            raise UserError(f"{output} lies in {parent}, which a stage keeps for its own output: give another place.")


def _apart(output: Path, read: Path) -> None:
    out, given = followed(output), followed(read)
    if out == given:
        raise UserError(
            f"{output} cannot be both what is read and what is written: give another folder for the output."
        )
    if given.is_relative_to(out):
        raise UserError(f"{read} lies inside the output folder {output}: give another folder for the output.")
    if given.is_dir() and out.is_relative_to(given):
        raise UserError(f"The output folder {output} lies inside {read}, which is read: give another folder for it.")


def _existing(path: Path) -> Path:
    """``path``, or the nearest folder above it that there is."""
    path = path.absolute()
    while not (path.exists() or path.is_symlink()) and path != path.parent:
        path = path.parent
    return path
