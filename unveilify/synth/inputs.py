"""The identity of a source: what was listed, and whether a photo was changed after it had been read."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from unveilify.core.errors import UserError
from unveilify.core.records import Photo
from unveilify.core.stamps import BEGUN
from unveilify.core.storage import canonical_json, read_member, sha256_bytes, split_member

SLACK_NS = 5_000_000_000
"""Clocks of file servers are a little off; what changed so shortly before the start is looked at, too."""


def digest(source: Path, photos: Iterable[Photo]) -> str:
    """Hash of everything that a listing says of every photo, and of the sizes of the files."""
    rows = [
        [
            p.label,
            _size(source, p.path),
            p.identity,
            p.group,
            [[repr(float(v)) for v in box] for box in p.boxes],
            p.meta,
        ]
        for p in photos
    ]
    return sha256_bytes(canonical_json(rows))


def changed(source: Path, photos: Iterable[Photo], known: Mapping[str, str], output_dir: Path) -> str:
    """The first photo with other bytes than the run in ``output_dir`` read, by its label, or "".

    ``known`` is the SHA-256 by label, "" where the photo could not be read. Only files that the disk says were
    touched since that run began are read again.
    """
    begun = output_dir / BEGUN
    since = begun.stat().st_mtime_ns - SLACK_NS if begun.is_file() else 0
    for photo in photos:
        if photo.label in known and _touched(source, photo.path, since):
            try:
                found = sha256_bytes(read_member(source, photo.path))
            except (OSError, UserError):
                found = ""
            if found != known[photo.label]:
                return photo.label
    return ""


def digests(manifest: Path) -> dict[str, str]:
    """SHA-256 of every photo in a manifest, by label."""
    table = pd.read_parquet(manifest, columns=["photo", "sha256"])
    return dict(zip(table["photo"], table["sha256"], strict=True))


def _size(source: Path, path: str) -> int:
    try:
        return split_member(source, path)[0].stat().st_size
    except (OSError, UserError):
        return -1


def _touched(source: Path, path: str, since: int) -> bool:
    """By the time of the last change of the file or its entry, which no program can set back."""
    try:
        return split_member(source, path)[0].stat().st_ctime_ns >= since
    except (OSError, UserError):
        return True
