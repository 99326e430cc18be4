"""Write and scan WebDataset tars without importing `webdataset`, which would import torch.

What `writing` makes equals byte for byte what ``webdataset.TarWriter(mtime=0)`` makes (a test compares them).
"""

import os
import re
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from unveilify.core import storage
from unveilify.core.errors import UserError, why

KEY = re.compile(r"[a-z0-9_-]+")


class Member(NamedTuple):
    """Where the bytes of one member lie in its tar: ``offset`` and ``size`` in bytes."""

    key: str
    kind: str
    offset: int
    size: int


@contextmanager
def writing(path: Path) -> Iterator[tarfile.TarFile]:
    """A tar that appears as ``path`` only when the block ends well; fill it with `add`."""
    with storage.writing(path) as temporary, begun(temporary) as tar:
        yield tar


@contextmanager
def begun(path: Path) -> Iterator[tarfile.TarFile]:
    """A new tar at ``path``, as it grows; fill it with `add`."""
    with path.open("wb") as file, tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        yield tar


def add(tar: tarfile.TarFile, key: str, members: Mapping[str, bytes]) -> None:
    """Append one sample: ``members`` maps what follows the key's dot ("masked.jpg") to bytes.

    Members are written in the order of their names, owner and times are fixed: equal content is equal bytes.

    Raises:
        ValueError: the key has other characters than ``a-z 0-9 _ -`` (WebDataset splits names at the first dot).
    """
    if not KEY.fullmatch(key):
        raise ValueError(f"the key {key!r} may only hold a-z, 0-9, _ and -")
    for kind in sorted(members):
        info = tarfile.TarInfo(f"{key}.{kind}")
        info.size = len(members[kind])
        info.mode = 0o444
        info.uname = info.gname = "bigdata"
        tar.addfile(info, BytesIO(members[kind]))


def members(path: Path) -> list[Member]:
    """The members of a tar, in order, without reading their bytes.

    Raises:
        UserError: unreadable, truncated, or damaged between two members; the last whole member is named.
    """
    found: list[Member] = []
    try:
        size = path.stat().st_size
        with tarfile.open(path, mode="r:") as tar:
            for info in tar:
                if info.isfile():
                    key, _, kind = info.name.partition(".")
                    found.append(Member(key, kind, info.offset_data, info.size))
            end = tar.offset
        whole = not found or _ends_here(path, found[-1].offset + found[-1].size, size)
    except (OSError, tarfile.TarError, EOFError) as error:
        raise UserError(f"{path} cannot be read ({why(error)}) after {_last(found)}: make it again.") from None
    if not whole:
        raise UserError(f"{path} is truncated or damaged near byte {end}, after {_last(found)}: make it again.")
    return found


def _last(found: list[Member]) -> str:
    return f"{found[-1].key}.{found[-1].kind}" if found else "nothing"


def _ends_here(path: Path, end: int, size: int) -> bool:
    """Whether nothing but the closing zeros follows: `tarfile` takes any bad header for the end."""
    end = -(-end // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
    if not 2 * tarfile.BLOCKSIZE <= size - end <= tarfile.RECORDSIZE + tarfile.BLOCKSIZE:
        return False
    with path.open("rb") as file:
        file.seek(end)
        return not any(file.read())


def pread(path: Path, offset: int, size: int) -> bytes:
    """``size`` bytes at ``offset``; fewer only where the file ends."""
    handle = os.open(path, os.O_RDONLY)
    try:
        return os.pread(handle, size, offset)
    finally:
        os.close(handle)
