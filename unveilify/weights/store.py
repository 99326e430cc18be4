"""Find pretrained networks on this machine, and fetch the ones that may be fetched.

Look-up order: the folders in ``$UNVEILIFY_WEIGHTS``, the user's cache (``$UNVEILIFY_CACHE`` or the platform's
cache folder), the package itself, the network's home. Whatever is handed out has the catalogue's SHA-256.
"""

import os
from functools import lru_cache
from pathlib import Path

from unveilify.core.errors import UserError, why
from unveilify.core.storage import sha256_file, sweep
from unveilify.weights.catalogue import Entry, entry
from unveilify.weights.download import Unreachable, download

PACKAGED = Path(__file__).parent / "networks"
"""The networks of our own that come with the package."""


class Missing(UserError):  # noqa: N818 (what it says reads as a sentence)
    """A pretrained network is not here. Has its ``name``, the ``places`` looked at and the ``command`` that gets it."""

    def __init__(self, wanted: Entry, places: tuple[Path, ...], why: str = "") -> None:
        self.name, self.places = wanted.name, places
        self.command = f"unveilify weights pull {wanted.name}"
        do = f"run `{self.command}`" if wanted.home else "put it into a folder named in UNVEILIFY_WEIGHTS"
        if wanted.home and why:
            do += ", or put the file into a folder named in UNVEILIFY_WEIGHTS"
        looked = ", ".join(str(place) for place in places)
        damaged = [str(p / wanted.filename) for p in places if (p / wanted.filename).is_file()]
        also = f"; {', '.join(damaged)} has another SHA-256" if damaged else ""
        super().__init__(
            f"The pretrained network '{wanted.name}' ({wanted.filename}) is missing{': ' + why if why else ''} "
            f"(looked in {looked}{also}): {do}."
        )


def cache() -> Path:
    """The folder that fetched networks are kept in: ``$UNVEILIFY_CACHE``, or the platform's place for it."""
    chosen = os.environ.get("UNVEILIFY_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    import pooch

    return Path(pooch.os_cache("unveilify"))


def places() -> tuple[Path, ...]:
    """The folders that are searched, first to last."""
    named = os.environ.get("UNVEILIFY_WEIGHTS", "").split(os.pathsep)
    return (*(Path(folder).expanduser() for folder in named if folder.strip()), cache())


def locate(name: str) -> Path | None:
    """The whole and unchanged file of network ``name`` on this machine, or None. Never downloads.

    Raises:
        UserError: the catalogue has no such name.
    """
    wanted = entry(name)
    for folder in (*places(), PACKAGED):
        path = folder / wanted.filename
        if _matches(path, wanted):
            return path
    return None


def fetch(name: str, *, allow_download: bool = False) -> Path:
    """The file of network ``name``, fetched into the user's cache if it may be.

    The small default networks are fetched without being asked for; all others only with ``allow_download``,
    which is what `unveilify weights pull` gives.

    Raises:
        Missing: it is not here and may not, or can not, be fetched.
        UserError: the catalogue has no such name.
    """
    wanted = entry(name)
    found = locate(name)
    if found:
        return found
    if wanted.home is None or not (allow_download or wanted.auto):
        raise Missing(wanted, places())
    target = cache() / wanted.filename
    sweep(cache(), idle_s=86_400)  # a download that was killed long ago
    try:
        download(wanted, target)
    except Unreachable as said:
        raise Missing(wanted, places(), str(said)) from None
    except OSError as error:
        raise UserError(f"Cannot write {target}: {why(error)}; name another folder in UNVEILIFY_CACHE.") from None
    return target


def _matches(path: Path, wanted: Entry) -> bool:
    try:
        state = path.stat()
        return _digest(path, state.st_size, state.st_mtime_ns).startswith(wanted.sha256)
    except OSError:
        return False


@lru_cache(maxsize=256)
def _digest(path: Path, size: int, changed: int) -> str:
    """SHA-256 of a file, computed once per process for each state of the file."""
    return sha256_file(path)
