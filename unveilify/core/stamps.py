"""What a finished stage says of itself: the stamp, and how what another stage left is read."""

import os
import platform
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from unveilify.core.config import Config
from unveilify.core.errors import UserError
from unveilify.core.lock import LOCK, OWNER
from unveilify.core.storage import MAX_TABLE_BYTES, canonical_json, check_name, read_file, sha256_bytes, sha256_file

BEGUN, STAMP, WORK = "_begun.json", "_stamp.json", "_work"
NOTES = ".unveilify.files"
LOG = "log.jsonl"
UNLISTED = {BEGUN, STAMP, NOTES, LOCK, OWNER, LOG}


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


def load(directory: Path) -> Stamp | None:
    """The stamp of whatever stage committed ``directory``, or None.

    Raises:
        UserError: it is damaged.
    """
    path = directory / STAMP
    if not path.exists():
        return None
    try:
        return Stamp.model_validate_json(read_file(path, MAX_TABLE_BYTES))
    except (OSError, ValueError):
        raise UserError(
            f"{path} is damaged: run the command that made it again, which keeps what is as it was written."
        ) from None


def read(directory: Path, stage: str, make_it: str, version: int | None = None) -> Stamp:
    """The stamp of a committed stage.

    Raises:
        UserError: there is none, or one of another ``version`` of the format; ``make_it`` (a command) is what the
            sentence advises.
    """
    check_name(directory)
    stamp = load(directory)
    if stamp is None:
        unfinished = (directory / BEGUN).is_file()
        what = (
            f"The {stage} output in {directory} is not finished" if unfinished else f"No {stage} output in {directory}"
        )
        raise UserError(f"{what}: run `{make_it}` first.")
    if stamp.stage != stage:
        raise UserError(f"{directory} holds the output of '{stamp.stage}', not of '{stage}': give another folder.")
    if version is not None and stamp.version != version:
        raise UserError(other_version(directory, stage, stamp.version, version, make_it))
    return stamp


def other_version(directory: Path, stage: str, old: int, new: int, make_it: str) -> str:
    """The sentence about an output in another version of its format."""
    age = "an older" if old < new else "a newer"
    return (
        f"The {stage} output in {directory} is of {age} version ({old}, not {new}): run `{make_it}` again with --force."
    )


def check(directory: Path, stamp: Stamp, *names: str) -> None:
    """Compare files with their digests in the stamp before they are believed.

    A file is hashed once per process and state. Large files (tars) are left to whoever reads them: their members
    have digests of their own.

    Raises:
        UserError: one is missing or has other bytes.
    """
    for name in names:
        path, listed = directory / name, stamp.files.get(name)
        if listed is None or not matches(path, listed):
            raise UserError(
                f"{path} is missing or not what its stamp says: run `unveilify {stamp.stage}` again with --force."
            )


def matches(path: Path, listed: FileStamp) -> bool:
    """Whether a file is there with these bytes."""
    try:
        state = path.stat()
        return state.st_size == listed.bytes and _digest(path, state.st_size, state.st_ctime_ns) == listed.sha256
    except OSError:
        return False


@lru_cache(maxsize=1024)
def _digest(path: Path, size: int, changed: int) -> str:
    return sha256_file(path)


def software() -> dict[str, str]:
    """Versions and CPU family on which exact bytes depend."""
    found = {"python": platform.python_version(), "machine": platform.machine(), "system": os.name}
    for package in ("unveilify", "numpy", "opencv-python", "ai-edge-litert", "webdataset"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "absent"
    return found
