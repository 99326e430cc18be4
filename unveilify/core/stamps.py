"""What a finished stage says of itself, and the rule for running it again.

A stage writes only into its own directory. ``_begun.json`` says at the start what is being made and from
what; ``_stamp.json`` is written last and makes the output *committed*. Between the two, work that is already
whole is kept and what is missing is made. ``_work/`` holds the notes of unfinished work; it goes with the commit.
"""

import os
import platform
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from unveilify.core.config import Config, difference
from unveilify.core.errors import UserError
from unveilify.core.storage import canonical_json, read_json, sha256_bytes, sha256_file, write_json

BEGUN, STAMP, WORK = "_begun.json", "_stamp.json", "_work"
UNLISTED = {BEGUN, STAMP, "log.jsonl"}


class FileStamp(Config):
    """Size in bytes and hex SHA-256 of one file."""

    bytes: int
    sha256: str


class Stamp(Config):
    """A committed stage: what it made, in which version of its format, with which settings, from which input."""

    stage: str
    version: int = 1
    config: dict[str, Any]
    input: str
    files: dict[str, FileStamp]
    counts: dict[str, int]
    software: dict[str, str]

    @property
    def hash(self) -> str:
        """Identity of this output for the next stage: its settings, input and bytes, not its machine."""
        return sha256_bytes(canonical_json(self.model_dump(exclude={"software"})))


def read(directory: Path, stage: str, make_it: str, version: int | None = None) -> Stamp:
    """The stamp of a committed stage.

    Raises:
        UserError: there is none, or one of another ``version`` of the format; ``make_it`` (a command) is what the
            sentence advises.
    """
    path = directory / STAMP
    if not path.is_file():
        unfinished = (directory / BEGUN).is_file()
        what = (
            f"The {stage} output in {directory} is not finished" if unfinished else f"No {stage} output in {directory}"
        )
        raise UserError(f"{what}: run `{make_it}` first.")
    try:
        stamp = Stamp.model_validate(read_json(path))
    except ValueError:
        raise UserError(f"{path} is damaged: run `{make_it}` with --force to build it anew.") from None
    if stamp.stage != stage:
        raise UserError(f"{directory} holds the output of '{stamp.stage}', not of '{stage}': give another folder.")
    if version is not None and stamp.version != version:
        raise UserError(_other_version(directory, stage, stamp.version, version, make_it))
    return stamp


def begin(
    directory: Path,
    stage: str,
    config: BaseModel,
    input_hash: str,
    *,
    version: int = 1,
    force: bool = False,
    replace: bool = False,
) -> Stamp | None:
    """Open ``directory`` for ``stage``: the stamp if it is up to date, None if there is work to do.

    ``version`` is that of the format in which the stage writes.

    Raises:
        UserError: it holds the output of another version, config or input (what differs is named), or files that
            are not ours. ``force`` deletes the stage's own old output first, never foreign files.
            ``replace`` lets the new output take the old one's place, file by file, where config or input differ.
    """
    plan = {"stage": stage, "version": version, "config": config.model_dump(mode="json"), "input": input_hash}
    begun = directory / BEGUN
    if force and begun.is_file():
        shutil.rmtree(directory)
    directory.mkdir(parents=True, exist_ok=True)
    if begun.is_file():
        old = _with_new_settings({"version": 1} | read_json(begun), config)
        if old.get("stage") == stage and old != plan and (replace or _is_bare(directory)):
            (directory / STAMP).unlink(missing_ok=True)
            write_json(begun, plan)
        else:
            _refuse_other(directory, old, plan)
    elif any(directory.iterdir()):
        raise UserError(f"{directory} is not empty and was not made by `unveilify {stage}`: give an empty folder.")
    else:
        write_json(begun, plan)
    if not (directory / STAMP).is_file():
        return None
    _sweep(directory)
    stamp = read(directory, stage, f"unveilify {stage}")
    damaged = [name for name, file in stamp.files.items() if not _is_there(directory / name, file)]
    if damaged:
        print(f"{stage}: {directory / damaged[0]} is missing or has another size: made again.", file=sys.stderr)
        (directory / STAMP).unlink()
        return None
    print(f"{stage}: {directory} is up to date.", file=sys.stderr)
    return stamp


def commit(
    directory: Path, stage: str, config: BaseModel, input_hash: str, counts: dict[str, int], version: int = 1
) -> Stamp:
    """Hash every file of the finished output, write the stamp, and take the notes of the work away."""
    names = sorted(p.relative_to(directory).as_posix() for p in directory.rglob("*") if p.is_file())
    listed = [n for n in names if n not in UNLISTED and not n.startswith(f"{WORK}/") and not n.endswith(".tmp")]
    stamp = Stamp(
        stage=stage,
        version=version,
        config=config.model_dump(mode="json"),
        input=input_hash,
        files={n: FileStamp(bytes=(directory / n).stat().st_size, sha256=sha256_file(directory / n)) for n in listed},
        counts=counts,
        software=software(),
    )
    write_json(directory / STAMP, stamp.model_dump(mode="json"))
    _sweep(directory)
    return stamp


def software() -> dict[str, str]:
    """Versions and CPU family on which exact bytes depend."""
    found = {"python": platform.python_version(), "machine": platform.machine(), "system": os.name}
    for package in ("unveilify", "numpy", "opencv-python", "webdataset"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "unknown"
    return found


def _with_new_settings(old: dict[str, Any], config: BaseModel) -> dict[str, Any]:
    """An older plan with the defaults of the settings that came since: what is off by default changes nothing."""
    try:
        whole = type(config).model_validate(old.get("config", {}))
    except ValueError:  # of another stage, or with a setting that went away
        return old
    return old | {"config": whole.model_dump(mode="json")}


def _is_there(path: Path, file: FileStamp) -> bool:
    return path.is_file() and path.stat().st_size == file.bytes


def _is_bare(directory: Path) -> bool:
    """Whether a stage was begun there and made nothing yet, so that nothing binds its settings."""
    return all(path.name in {BEGUN, "log.jsonl"} for path in directory.iterdir())


def _sweep(directory: Path) -> None:
    shutil.rmtree(directory / WORK, ignore_errors=True)
    for left in directory.glob(".*.tmp"):  # of writers that were killed
        left.unlink(missing_ok=True)


def _refuse_other(directory: Path, old: dict[str, Any], new: dict[str, Any]) -> None:
    if old.get("stage") != new["stage"]:
        raise UserError(f"{directory} holds the output of '{old.get('stage')}': give another folder.")
    if old["version"] != new["version"]:
        make_it = f"unveilify {new['stage']}"
        raise UserError(_other_version(directory, new["stage"], old["version"], new["version"], make_it))
    if old.get("config") != new["config"]:
        what = difference(old.get("config", {}), new["config"])
        raise UserError(
            f"{directory} was made with other settings ({what}): use --force to rebuild it, or another folder."
        )
    if old.get("input") != new["input"]:
        raise UserError(f"{directory} was made from another input: use --force to rebuild it, or another folder.")


def _other_version(directory: Path, stage: str, old: int, new: int, make_it: str) -> str:
    age = "an older" if old < new else "a newer"
    return (
        f"The {stage} output in {directory} is of {age} version ({old}, not {new}): run `{make_it}` again with --force."
    )
