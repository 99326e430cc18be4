"""One process per output directory."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from unveilify.core.errors import UserError
from unveilify.core.storage import read_json

LOCK = ".unveilify.lock"
"""The lock's file: it stays, empty. What holds is the kernel's lock on it, which goes with the process, however it ends."""

OWNER = ".unveilify.owner"
"""Says for people who holds the lock; it is there only as long."""


@contextmanager
def held(directory: Path, wait_s: float = 0) -> Iterator[None]:
    """Hold ``directory``, which is made if need be, for this process alone; ``wait_s`` is how long to wait for it.

    Raises:
        UserError: another process holds it.
    """
    directory.mkdir(parents=True, exist_ok=True)
    lock = FileLock(directory / LOCK, timeout=wait_s)
    try:
        lock.acquire()
    except Timeout:
        raise UserError(
            f"{directory} is in use{_by(directory)}: wait until that command has ended, or give another folder."
        ) from None
    try:
        owner = directory / OWNER
        owner.unlink(missing_ok=True)  # it may be a link, and what that leads to is nobody's to write over
        owner.write_text(json.dumps({"process": os.getpid(), "machine": socket.gethostname()}), encoding="utf-8")
        yield
    finally:
        (directory / OWNER).unlink(missing_ok=True)
        lock.release()


def _by(directory: Path) -> str:
    try:
        owner = read_json(directory / OWNER)
        return f" by process {owner['process']} on {owner['machine']}"
    except (UserError, TypeError, KeyError):
        return ""
