"""Finished rows, kept by what they were made from: the same row is never measured twice.

What is read back is compared with a digest that was written with it; what differs is measured again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from unveilify.core import lock
from unveilify.core.errors import UserError
from unveilify.core.storage import canonical_json, read_json, sha256_bytes, sha256_file, sweep, write_json, writing

WRITTEN_WITHIN_S = 600
"""No row takes longer to write."""

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Row:
    """One measured row of the table.

    ``frame``: one line per triplet, in order, with ``key``, ``identity`` and every metric column.
    ``about``: what it cost and what it is. ``vectors`` (N, D): the recogniser's view of the raw outputs, or
    (N, 0) where there is no recogniser.
    """

    label: str
    kind: str
    frame: pd.DataFrame
    about: dict[str, Any]
    vectors: Vectors


def load(folder: Path, name: str, label: str, kind: str) -> Row | None:
    """The row kept under ``name``, or None if there is none, or not with the bytes that were written."""
    about = load_facts(folder, name)
    if about is None:
        return None
    paths = [folder / f"{name}.{ending}" for ending in ("parquet", "npy")]
    try:
        data = [path.read_bytes() for path in paths]
        if [sha256_bytes(found) for found in data] != about.pop("sha256", None):
            return None
        return Row(label, kind, pd.read_parquet(BytesIO(data[0])), about, np.load(BytesIO(data[1]), allow_pickle=False))
    except (OSError, ValueError):
        return None


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a folder of rows for as long as one is written, and take away what killed writers left half done there.

    Two reports may measure the same run at once: one waits while the other writes.
    """
    with lock.held(folder, wait_s=WRITTEN_WITHIN_S):
        sweep(folder)
        yield


def tidy(folder: Path) -> None:
    """Take away what a killed writer left half done; a folder that none left so is not touched."""
    if (folder / lock.OWNER).exists():
        with alone(folder):
            pass


def save(folder: Path, name: str, row: Row) -> None:
    """Keep a row; the small JSON goes last and makes it count."""
    paths = [folder / f"{name}.{ending}" for ending in ("parquet", "npy")]
    with alone(folder):
        with writing(paths[0]) as temporary:
            row.frame.to_parquet(temporary, index=False)
        with writing(paths[1]) as temporary, temporary.open("wb") as file:
            np.save(file, row.vectors, allow_pickle=False)
        _write_facts(folder, name, {**row.about, "sha256": [sha256_file(path) for path in paths]})


def forget(folder: Path, name: str) -> None:
    """Take away what is kept under ``name``."""
    for ending in ("json", "npy", "parquet"):
        (folder / f"{name}.{ending}").unlink(missing_ok=True)


def load_facts(folder: Path, name: str) -> dict[str, Any] | None:
    """The facts kept under ``name``, or None if there are none, or not those that were written."""
    try:
        kept = read_json(folder / f"{name}.json")
        facts = dict(kept["facts"])
        return facts if kept["sha256"] == sha256_bytes(canonical_json(facts)) else None
    except (KeyError, TypeError, ValueError, UserError):
        return None


def save_facts(folder: Path, name: str, facts: dict[str, Any]) -> None:
    """Keep some facts, with their digest."""
    with alone(folder):
        _write_facts(folder, name, facts)


def _write_facts(folder: Path, name: str, facts: dict[str, Any]) -> None:
    write_json(folder / f"{name}.json", {"facts": facts, "sha256": sha256_bytes(canonical_json(facts))})
