"""What every layout shares: walking a source folder, reading hostile names, and the listing that comes out."""

import os
import re
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from types import ModuleType

from unveilify.core import plugins, stamps
from unveilify.core.errors import UserError, why
from unveilify.core.pictures import ENDINGS
from unveilify.core.records import Photo
from unveilify.core.storage import MEMBER, read_file, split_member

PICTURES = frozenset(ENDINGS)
UNSUPPORTED = frozenset({".gif", ".jp2", ".psd", ".dng", ".cr2", ".nef", ".arw", ".svg"})
ARCHIVES = re.compile(r"\.(zip|tar|tgz|gz|7z|rar|egg|alz|bz2|xz|part\d+|z\d\d)$", re.IGNORECASE)
_ESCAPED = re.compile(r"\\x[89a-f][0-9a-f]", re.IGNORECASE)
PEEK = 2000
"""How many names a layout looks at before it says whether it recognises a tree."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Every file of a source: a photo, or left out with a reason.

    ``photos`` is sorted by path, without repeats. ``skipped`` maps relative paths to reasons such as
    ``label``, ``family_photo``, ``angle``, ``age_photo``, ``duplicate``, ``not_a_picture``.
    """

    photos: list[Photo]
    skipped: dict[str, str]


@dataclass(frozen=True, slots=True)
class File:
    """One file of a source, or one member of a ``.zip`` in it.

    ``path`` is what `core.storage.read_member` reads: relative, with ``/``, raw as the disk or archive spells it.
    ``parts`` are readable names for matching: the folders and the file name, where an archive is transparent
    unless its member lies in no folder; then the archive stands for a folder of its own name.
    ``fault`` is a reason when the file cannot be used whatever it is (``leaves_folder``, ``linked_folder``, ...).
    ``archived``: it is a member of an archive.
    """

    path: str
    parts: tuple[str, ...]
    fault: str = ""
    archived: bool = False

    @property
    def name(self) -> str:
        """The file name."""
        return self.parts[-1]

    @property
    def stem(self) -> str:
        """The file name without its last extension."""
        return os.path.splitext(self.name)[0]

    @property
    def extension(self) -> str:
        """The last extension in lower case, with its dot."""
        return os.path.splitext(self.name)[1].lower()

    @property
    def is_picture(self) -> bool:
        """Whether the extension is one that is read here; the bytes are not looked at."""
        return not self.fault and self.extension in PICTURES

    @property
    def why_not_a_picture(self) -> str:
        """The reason under which a layout files this when it is no picture."""
        if self.fault:
            return self.fault
        if self.extension in UNSUPPORTED:
            return "unsupported_format"
        return "archive_not_read" if ARCHIVES.search(self.name) else "not_a_picture"


def names_in(path: Path) -> set[str]:
    """Names of people from a text file, one a line, up to a tab, `readable`; what follows a # is left out.

    Raises:
        UserError: it cannot be read.
    """
    try:
        lines = read_file(path).decode("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"Cannot read the list of people {path}: {why(error)}.") from None
    return {readable(name) for line in lines if (name := line.partition("#")[0].partition("\t")[0].strip())}


def walk(root: Path) -> list[str]:
    """All files under ``root``, sorted, relative with ``/``; ``a.zip!member`` for members of archives.

    Hidden files, ``__MACOSX`` and ``Thumbs.db`` are left out entirely; symbolic links to folders are named but
    not followed. Nested archives and anything but ``.zip`` are plain files here.
    """
    return [file.path for file in files(root)]


def files(root: Path, *, hidden: bool = False) -> list[File]:
    """Like `walk`, with readable names and faults; with ``hidden`` what is hidden is named as well, as a fault.

    Raises:
        UserError: ``root`` is not a folder that can be read.
    """
    _check(root)
    return sorted(_scan(root, hidden=hidden), key=lambda file: file.path)


def peek(root: Path, limit: int = PEEK) -> list[File]:
    """The first files of a tree, for `recognises`: quick on any size of source, deterministic."""
    return list(islice(_scan(root), limit))


def confidence(root: Path, matches: Callable[[File], bool]) -> float:
    """0.9 × the share of the pictures in a `peek` that ``matches``; 0 where they are fewer than half."""
    seen = [matches(file) for file in peek(root) if file.is_picture]
    share = sum(seen) / len(seen) if seen else 0.0
    return 0.9 * share if share >= 0.5 else 0.0


def find_layout(root: Path, name: str | None = None) -> ModuleType:
    """The source plugin ``name``, or the one that recognises ``root`` best.

    Raises:
        UserError: no such layout, or ``root`` is missing, unreadable or empty.
    """
    _check(root)
    if name is not None:
        return plugins.load("source", name)
    if not peek(root, 1):
        raise UserError(f"There are no files in {root}: give a folder with photos.")
    known = [plugins.load("source", found) for found in plugins.names("source")]
    return max(known, key=lambda module: float(module.recognises(root)))


@dataclass
class Sorter:
    """Collects a `Listing`; a photo whose path comes twice is a programming error and raises."""

    photos: dict[str, Photo] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)

    def keep(self, photo: Photo) -> None:
        """File a photo."""
        if photo.path in self.photos or photo.path in self.skipped:
            raise ValueError(f"{photo.path!r} is listed twice")
        self.photos[photo.path] = photo

    def skip(self, file: File, reason: str) -> None:
        """File what the layout leaves out."""
        self.skipped[file.path] = reason

    def listing(self) -> Listing:
        """Everything, sorted by path."""
        return Listing([self.photos[p] for p in sorted(self.photos)], dict(sorted(self.skipped.items())))


def readable(name: str) -> str:
    """A name as text that any file or table can hold: NFC, CP949 or backslashes where the bytes were no UTF-8."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        raw = name.encode("utf-8", "surrogateescape")
        try:
            name = raw.decode("cp949")
        except UnicodeDecodeError:
            name = raw.replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")
    else:
        if _ESCAPED.search(name):  # the name itself looks like what bytes of another become
            name = name.replace("\\", "\\\\")
    return unicodedata.normalize("NFC", name)


def decoded(info: zipfile.ZipInfo) -> str:
    """The name of an archive's member as its maker meant it.

    Without the UTF-8 flag (bit 11, APPNOTE 4.4.4) `zipfile` reads CP437; Korean Windows wrote CP949 and many
    tools plain UTF-8 there. Windows-made archives may separate folders with backslashes.
    """
    name = info.filename
    if not info.flag_bits & 0x800:
        raw = name.encode("cp437", "replace")
        for encoding in ("utf-8", "cp949"):
            try:
                name = raw.decode(encoding)
                break
            except UnicodeDecodeError:
                continue
    return name.replace("\\", "/")


def _check(root: Path) -> None:
    if not root.is_dir():
        raise UserError(f"There is no folder {root}: give the folder that holds the photos.")
    try:
        os.scandir(root).close()
    except OSError as error:
        raise UserError(f"Cannot read the folder {root}: {error.strerror or error}.") from None


def _scan(root: Path, *, hidden: bool = False) -> Iterator[File]:
    """Depth first, each folder in the order of its names; no recursion, which ends a thousand folders down."""
    base = os.path.realpath(root)
    entered = [_entries(base, "", hidden)]
    while entered:
        found = next(entered[-1], None)
        if found is None:
            entered.pop()
        elif isinstance(found, str):
            entered.append(_entries(base, found, hidden))
        else:
            yield found


def _entries(base: str, relative: str, hidden: bool) -> Iterator[File | str]:
    """The files of one folder, and as plain text the folders in it."""
    try:
        with os.scandir(os.path.join(base, relative)) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError:
        yield File(relative, tuple(map(readable, relative.split("/"))), "unreadable_folder")
        return
    for entry in entries:
        path = f"{relative}/{entry.name}" if relative else entry.name
        parts = tuple(map(readable, path.split("/")))
        if _hidden(entry.name):
            if hidden:
                yield File(path, parts, "hidden")
            continue
        fault = "stamp" if path in stamps.UNLISTED else _fault(entry, base)
        if fault:
            yield File(path, parts, fault)
        elif entry.is_dir(follow_symlinks=False):
            yield path
        elif entry.name.lower().endswith(".zip"):
            like = entry.name + MEMBER
            doubtful = MEMBER in path or any(other.name.startswith(like) for other in entries)
            yield from _members(base, path, parts, doubtful)
        else:
            yield File(path, parts)


def _fault(entry: os.DirEntry[str], base: str) -> str:
    """Why a directory entry can be no photo, or an empty string."""
    try:
        if entry.is_symlink():
            if entry.is_dir():
                return "linked_folder"
            inside = Path(os.path.realpath(entry.path)).is_relative_to(base)
            if not inside:
                return "leaves_folder"
        if not entry.is_dir() and not entry.is_file():  # a loop, a dangling link, a pipe, a device
            return "not_a_file"
    except OSError:
        return "not_a_file"
    return ""


def _members(base: str, path: str, parts: tuple[str, ...], doubtful: bool) -> Iterator[File]:
    """``doubtful``: the names of plain files here may be spelled as those of members are."""
    try:
        with zipfile.ZipFile(os.path.join(base, path)) as archive:
            infos = list(archive.NameToInfo.values())
    except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError, EOFError):
        yield File(path, parts, "broken_archive")
        return
    found = []
    for info in infos:
        inner = tuple(part for part in decoded(info).split("/") if part not in ("", ".", ".."))
        if info.is_dir() or not inner or info.filename.endswith("\\") or any(map(_hidden, inner)):
            continue
        folders = tuple(map(readable, inner[:-1])) or (os.path.splitext(parts[-1])[0],)
        fault = "encrypted" if info.flag_bits & 0x1 else ""
        name = f"{path}{MEMBER}{info.filename}"
        if doubtful and split_member(Path(base), name)[1] != info.filename:
            name, fault = f"{path}{MEMBER}{MEMBER}{info.filename}", "ambiguous_name"
        found.append(File(name, (*parts[:-1], *folders, readable(inner[-1])), fault, archived=True))
    yield from sorted(found, key=lambda file: file.path)


def _hidden(name: str) -> bool:
    return name.startswith(".") or name in ("__MACOSX", "Thumbs.db", "desktop.ini")
