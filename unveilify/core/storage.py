"""Read hostile names safely and write files that are whole or not there."""

import hashlib
import json
import os
import re
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from unveilify.core.errors import UserError

MAX_PHOTO_BYTES = 256 * 2**20
"""A photo larger than this (as a file, or unpacked from an archive) is refused unread."""

_MEMBER = re.compile(r"(.*?\.zip)!(.+)", re.IGNORECASE | re.DOTALL)


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; it appears as ``path`` only when the block ends well.

    The file is synced before the rename and the directory after it, so that a crash leaves either the
    old state or the whole new file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_dir(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


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
    write_text(path, json.dumps(value, indent=1, sort_keys=True, ensure_ascii=True, allow_nan=False) + "\n")


def canonical_json(value: Any) -> bytes:
    """Compact JSON with sorted keys, for hashing and for members of archives."""
    return json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False).encode()


def read_json(path: Path) -> Any:
    """Read JSON, or raise `UserError` naming the file."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"Cannot read {path}: {error}.") from None


def sha256_bytes(data: bytes) -> str:
    """Hex SHA-256."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Hex SHA-256 of a file, read in bounded memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def inside(root: Path, relative: str) -> Path:
    """``root / relative``, or `UserError` if that would leave ``root`` (absolute, ``..``, symbolic link)."""
    pure = PurePosixPath(relative)
    path = (root / pure).resolve()
    if pure.is_absolute() or not path.is_relative_to(root.resolve()):
        raise UserError(f"The path {relative!r} leaves the folder {root}.")
    return path


def read_member(root: Path, relative: str) -> bytes:
    """Bytes of a source file; ``a.zip!b/c.jpg`` reads a member of an archive without unpacking it.

    Raises:
        OSError: unreadable, or larger than `MAX_PHOTO_BYTES` once unpacked.
        UserError: the name leaves ``root``.
    """
    outer, member = split_member(relative)
    path = inside(root, outer)
    if not member:
        if path.stat().st_size > MAX_PHOTO_BYTES:
            raise OSError(f"{relative} is larger than {MAX_PHOTO_BYTES >> 20} MiB")
        return path.read_bytes()
    try:
        stat = path.stat()
        archive = _archive(str(path), stat.st_mtime_ns, stat.st_size, os.getpid())
        info = archive.getinfo(member)
        if info.file_size > MAX_PHOTO_BYTES:
            raise OSError(f"{relative} unpacks to more than {MAX_PHOTO_BYTES >> 20} MiB")
        with archive.open(info) as file:
            return file.read(MAX_PHOTO_BYTES)
    except (zipfile.BadZipFile, zlib.error, KeyError, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise OSError(f"{relative}: {error}") from None


def split_member(relative: str) -> tuple[str, str]:
    """``a.zip!b/c.jpg`` as (``a.zip``, ``b/c.jpg``); the second is empty for a plain file, even ``Wham!/1.jpg``."""
    match = _MEMBER.fullmatch(relative)
    return (match[1], match[2]) if match else (relative, "")


@lru_cache(maxsize=4)
def _archive(path: str, mtime_ns: int, size: int, process: int) -> zipfile.ZipFile:
    """An open archive: its directory is read once, not once per photo; never shared with a forked process."""
    return zipfile.ZipFile(path)
