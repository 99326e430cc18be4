"""Read hostile names safely and write files that are whole or not there."""

import errno
import hashlib
import json
import os
import re
import shutil
import stat
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from unveilify.core.errors import UserError, why

MAX_PHOTO_BYTES = 256 * 2**20
"""A photo larger than this (as a file, or unpacked from an archive) is refused unread."""

MAX_TABLE_BYTES = 8 * 2**30
"""So much may be a table of landmarks of a million photos; without an end no table is."""

TEMPORARY = (".unveilify-", ".tmp")
"""How the names of files that are still being written begin and end; short, whatever the file will be called."""

MEMBER = "!"
"""What stands between an archive and its member in ``a.zip!b/c.jpg``; see `split_member`."""

_ARCHIVE = re.compile(r"\.zip!(?=.)", re.IGNORECASE | re.DOTALL)


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; it appears as ``path`` only when the block ends well.

    The file is synced before the rename and the directory after it, so that a crash leaves either the
    old state or the whole new file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=TEMPORARY[0], suffix=TEMPORARY[1], dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        with known_as(temporary, path):
            yield temporary
            temporary.chmod(0o644)
            sync_file(temporary)
            temporary.replace(path)
            sync_dir(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def known_as(temporary: Path, path: Path) -> Iterator[None]:
    """Let errors name ``path``, which people know, where they would name ``temporary``, or no file for a full disk."""
    try:
        yield
    except OSError as error:
        full = error.filename is None and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        if full or str(error.filename) == str(temporary):
            error.filename = str(path)
        raise
    except UserError as error:
        if str(temporary) not in str(error):
            raise
        raise UserError(str(error).replace(str(temporary), str(path))) from None


def sweep(directory: Path, idle_s: float = 0) -> None:
    """Remove what writers that were killed left in ``directory``.

    Where others may be writing, ``idle_s`` says for how long nobody may have touched a file that goes.
    """
    for left in directory.glob(f"{TEMPORARY[0]}*{TEMPORARY[1]}"):
        with suppress(OSError):
            if not idle_s or time.time() - left.stat().st_mtime > idle_s:
                left.unlink()


def sweep_folders(directory: Path, prefix: str, idle_s: float = 86_400) -> None:
    """Remove folders beginning with ``prefix`` that a killed writer left in ``directory`` so long ago."""
    for left in directory.glob(f"{prefix}*"):
        with suppress(OSError):
            if left.is_dir() and not left.is_symlink() and time.time() - left.stat().st_mtime > idle_s:
                shutil.rmtree(left, ignore_errors=True)


def is_temporary(path: Path) -> bool:
    """Whether a file has the name of one that was being written."""
    return path.name.startswith(TEMPORARY[0]) and path.name.endswith(TEMPORARY[1])


def sync_file(path: Path) -> None:
    """Make the bytes of a file durable."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def sync_dir(path: Path) -> None:
    """Make renames in ``path`` durable, where the platform can."""
    if os.name == "posix":
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a whole file or none."""
    with writing(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write a whole UTF-8 file or none."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write indented JSON with sorted keys: equal values are equal bytes."""
    write_text(path, pretty_json(value))


def pretty_json(value: Any) -> str:
    """Indented JSON with sorted keys and a last newline."""
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=True, allow_nan=False) + "\n"


def canonical_json(value: Any) -> bytes:
    """Compact JSON with sorted keys, for hashing and for members of archives."""
    return json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False).encode()


def from_json(data: str | bytes) -> Any:
    """Parse JSON of whoever wrote it; `ValueError` if it is none, or nested deeper than Python goes."""
    try:
        return json.loads(data)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def read_json(path: Path) -> Any:
    """Read JSON, or raise `UserError` naming the file."""
    try:
        return from_json(read_file(path, MAX_TABLE_BYTES).decode())
    except (OSError, ValueError) as error:
        raise UserError(f"Cannot read {path}: {why(error)}.") from None


def sha256_bytes(data: bytes) -> str:
    """Hex SHA-256."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Hex SHA-256 of a file, read in bounded memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_photo(path: Path) -> str:
    """Hex SHA-256 of a photo's file; empty where it cannot be read, so that it can still be named and rejected."""
    try:
        return sha256_bytes(read_file(path))
    except OSError:
        return ""


def followed(path: Path) -> Path:
    """Where ``path`` is once links are followed; of links that lead in a circle, as far as they lead (`Path.resolve` raises)."""
    return Path(os.path.realpath(path))


def inside(root: Path, relative: str) -> Path:
    """``root / relative``, or `UserError` if that would leave ``root`` (absolute, ``..``, symbolic link)."""
    pure = PurePosixPath(relative)
    path = followed(root / pure)
    if pure.is_absolute() or not path.is_relative_to(followed(root)):
        raise UserError(f"The path {relative!r} leaves the folder {root}.")
    return path


def files_below(root: Path) -> Iterator[Path]:
    """Whatever is no folder below a folder, in no order, however deep: also links, which are not followed, and what cannot be
    read, so that it can still be named."""
    waiting = [os.fspath(root)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        yield Path(entry.path)
        except OSError:  # no right to look there, or too long a path: as for `rglob`
            continue


def read_file(path: Path, most: int = MAX_PHOTO_BYTES) -> bytes:
    """Bytes of a photo's file, or of another that may be anybody's.

    Raises:
        OSError: unreadable, no file (of a pipe or a device there may be no end), or larger than ``most``.
    """
    state = path.stat()
    if not stat.S_ISREG(state.st_mode):
        raise OSError(errno.EINVAL, "it is not a file", str(path))
    if state.st_size > most:
        raise OSError(errno.EFBIG, f"it is larger than {most >> 20} MiB", str(path))
    return path.read_bytes()


def read_member(root: Path, relative: str) -> bytes:
    """Bytes of a source file; ``a.zip!b/c.jpg`` reads a member of an archive without unpacking it.

    Raises:
        OSError: unreadable, or larger than `MAX_PHOTO_BYTES` once unpacked.
        UserError: the name leaves ``root``.
    """
    path, member = split_member(root, relative)
    if not member:
        return read_file(path)
    try:
        state = path.stat()
        archive = _archive(str(path), state.st_mtime_ns, state.st_size, os.getpid())
        info = archive.getinfo(member)
        if info.file_size > MAX_PHOTO_BYTES:
            raise OSError(f"{relative} unpacks to more than {MAX_PHOTO_BYTES >> 20} MiB")
        with archive.open(info) as file:
            return file.read(MAX_PHOTO_BYTES)
    except (zipfile.BadZipFile, zlib.error, KeyError, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise OSError(f"{relative}: {error}") from None


def split_member(root: Path, relative: str) -> tuple[Path, str]:
    """The file that ``relative`` names below ``root``, and the member of it if that is an archive, else "".

    ``!`` may be part of any name (``Wham!/1.jpg``, ``Best.zip!/1.jpg``), so the disk decides: what is a file is one,
    and else the first ``.zip`` before a ``!`` that is a file is the archive.

    Raises:
        UserError: the name leaves ``root``.
    """
    if MEMBER in relative and not _is_file(root, relative):
        for match in _ARCHIVE.finditer(relative):
            outer = relative[: match.end() - 1]
            if _is_file(root, outer):
                return inside(root, outer), relative[match.end() :]
    return inside(root, relative), ""


def _is_file(root: Path, relative: str) -> bool:
    try:
        return inside(root, relative).is_file()
    except (UserError, OSError, ValueError):  # it leaves the folder, is too long, or holds a zero byte
        return False


@lru_cache(maxsize=4)
def _archive(path: str, mtime_ns: int, size: int, process: int) -> zipfile.ZipFile:
    """An open archive: its directory is read once, not once per photo; never shared with a forked process."""
    return zipfile.ZipFile(path)


def check_name(path: Path) -> None:
    """Raise `UserError` unless libraries, of which some know no other names, can open what has this name."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise UserError(f"The name of {path} is not UTF-8, without which it cannot be used here: rename it.") from None
