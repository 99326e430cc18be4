"""Finished rows, kept by what they were made from: the same row is never measured twice."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from unveilify.core.errors import UserError
from unveilify.core.storage import read_json, write_json, writing

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
    """The row kept under ``name``, or None if there is none or it is damaged."""
    table, about = folder / f"{name}.parquet", folder / f"{name}.json"
    if not about.is_file() or not table.is_file():
        return None
    try:
        with (folder / f"{name}.npy").open("rb") as file:
            vectors = np.load(file, allow_pickle=False)
        return Row(label, kind, pd.read_parquet(table), dict(read_json(about)), vectors)
    except (OSError, ValueError, UserError):
        return None


def save(folder: Path, name: str, row: Row) -> None:
    """Keep a row; the small JSON goes last and makes it count."""
    with writing(folder / f"{name}.parquet") as temporary:
        row.frame.to_parquet(temporary, index=False)
    with writing(folder / f"{name}.npy") as temporary, temporary.open("wb") as file:
        np.save(file, row.vectors, allow_pickle=False)
    write_json(folder / f"{name}.json", row.about)
