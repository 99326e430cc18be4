"""What a stage has written into its directory: noted file by file, with digests, while it works.

Every note is made before its file takes its name, so that no kill can leave a file of ours that we do not know, and
what an earlier run left is taken up only if it has bytes that were noted.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import ValidationError

from unveilify.core import storage
from unveilify.core.errors import UserError
from unveilify.core.stamps import NOTES, WORK, FileStamp, Stamp, matches

Notes = dict[str, list[FileStamp]]
"""By name every state that was noted of a file, the latest last."""


@dataclass(frozen=True)
class OutputFolder:
    """A stage's directory, open for writing by this process and its workers."""

    directory: Path

    @contextmanager
    def file(self, name: str) -> Iterator[Path]:
        """Yield a path to write to; what is there when the block ends well appears as ``name``, whole and synced.

        Raises:
            UserError: a file of that name is there that no run of this stage wrote, or a link leads out of the folder.
        """
        path = self.directory / name
        if not storage.followed(path.parent).is_relative_to(storage.followed(self.directory)):
            raise UserError(f"{path.parent} is a link, and would be written to: move it away.")
        if os.path.lexists(path) and name not in self.notes():
            raise UserError(f"{path} is in the way and was not written by this command: move it to another place.")
        work = self.directory / WORK
        work.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="new-", dir=work, ignore_cleanup_errors=True) as folder:
            fresh = Path(folder) / path.name
            with storage.known_as(fresh, path):
                yield fresh
                fresh.chmod(0o644)
                storage.sync_file(fresh)
                self.note(name, FileStamp(bytes=fresh.stat().st_size, sha256=storage.sha256_file(fresh)))
                path.parent.mkdir(parents=True, exist_ok=True)
                fresh.replace(path)
                storage.sync_dir(path.parent)

    def write_bytes(self, name: str, data: bytes) -> None:
        """Write a small file."""
        with self.file(name) as path:
            path.write_bytes(data)

    def write_text(self, name: str, text: str) -> None:
        """Write a small UTF-8 file."""
        self.write_bytes(name, text.encode("utf-8"))

    def write_json(self, name: str, value: Any) -> None:
        """Write indented JSON with sorted keys."""
        self.write_text(name, storage.pretty_json(value))

    def keep(self, *names: str) -> bool:
        """Whether all of these are there as an earlier run wrote them; if so they belong to the output as they are."""
        notes, found = self.notes(), {}
        for name in names:
            found[name] = next((n for n in notes.get(name, ()) if matches(self.directory / name, n)), None)
        if any(note is None for note in found.values()):
            return False
        for name, note in found.items():
            if note is not None:
                self.note(name, note)
        return True

    def edited(self, name: str) -> bool:
        """Whether a file of that name is there that somebody else wrote or changed."""
        path = self.directory / name
        return path.exists() and not any(matches(path, note) for note in self.notes().get(name, ()))

    def notes(self, since: int = 0) -> Notes:
        """What was noted after the first ``since`` bytes of the notes; torn lines of a kill are passed over."""
        try:
            with (self.directory / NOTES).open("rb") as file:
                file.seek(since)
                lines = file.read().splitlines()
        except OSError:
            return {}
        found: Notes = {}
        for line in lines:
            with suppress(ValueError, ValidationError, TypeError, KeyError, AttributeError):
                row = storage.from_json(line)
                name, state = str(row.pop("name")), FileStamp.model_validate(row)
                found.setdefault(name, []).append(state)
        return found

    def note(self, name: str, state: FileStamp) -> None:
        """Append one note, in one write: several processes may do so at once."""
        row = _row(name, state)
        handle = os.open(self.directory / NOTES, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(handle, row)
            os.fsync(handle)
        finally:
            os.close(handle)

    def size(self) -> int:
        """Bytes of the notes so far."""
        path = self.directory / NOTES
        return path.stat().st_size if path.is_file() else 0

    def remove(self, names: set[str]) -> None:
        """Remove files that a note names, and the folders that this leaves empty; never what lies elsewhere."""
        root = storage.followed(self.directory)
        for name in sorted(names):
            pure = PurePosixPath(name)
            path = self.directory / pure
            if pure.is_absolute() or ".." in pure.parts or not storage.followed(path.parent).is_relative_to(root):
                continue
            with suppress(FileNotFoundError, NotADirectoryError):
                path.unlink()
            for parent in path.parents:
                if parent in (self.directory, self.directory / WORK):
                    break
                with suppress(OSError):
                    parent.rmdir()

    def sweep(self) -> None:
        """Take away what writers that were killed left half done."""
        storage.sweep(self.directory)
        for left in (self.directory / WORK).glob("new-*"):
            shutil.rmtree(left, ignore_errors=True)

    def settle(self, stamp: Stamp | None) -> None:
        """End the work: its own files go, and the notes say what the stamp says (or, without one, nothing)."""
        self.sweep()
        self.remove({name for name in self.notes() if name.startswith(f"{WORK}/")})
        with suppress(OSError):
            (self.directory / WORK).rmdir()
        if stamp is None:
            (self.directory / NOTES).unlink(missing_ok=True)
            return
        rows = b"".join(_row(name, stamp.files[name]) for name in sorted(stamp.files))
        if not (self.directory / NOTES).is_file() or (self.directory / NOTES).read_bytes() != rows:
            storage.write_bytes(self.directory / NOTES, rows)


def _row(name: str, state: FileStamp) -> bytes:
    """One note; it begins with a new line, so that one torn by a kill spoils no other."""
    return b"\n" + storage.canonical_json({"name": name, **state.model_dump()}) + b"\n"
