"""One folder per person, any depth below it: ``<identity>/.../anything.jpg``. The layout for everything else."""

import csv
import io
from pathlib import Path

from pydantic import Field

from unveilify.core.config import Config as BaseConfig
from unveilify.core.errors import UserError, why
from unveilify.core.records import Photo
from unveilify.core.storage import read_file
from unveilify.sources.listing import Listing, Sorter, files, readable


class Config(BaseConfig):
    """Options of this layout."""

    level: int = Field(
        1, ge=0, description="which folder below the root names the person; 0: every photo is somebody else"
    )
    people: Path | None = Field(
        None, description="CSV with a header and one row per person: the folder's name, then what is known, such as age"
    )


def recognises(root: Path) -> float:
    """A little, always: this is what a tree is when no other layout knows it better."""
    return 0.05


def photos(root: Path, config: Config) -> Listing:
    """List the photos; a picture above the identity's folder is skipped as ``no_identity_folder``.

    What ``config.people`` says of a person travels with each of their photos; a report breaks its scores down by it.

    Raises:
        UserError: that table cannot be read.
    """
    sorter = Sorter()
    known = _people(config.people) if config.people else {}
    for file in files(root):
        if not file.is_picture:
            sorter.skip(file, file.why_not_a_picture)
        elif len(file.parts) <= config.level:
            sorter.skip(file, "no_identity_folder")
        else:
            identity = file.parts[config.level - 1] if config.level else readable(file.path)
            sorter.keep(Photo(file.path, identity, identity, meta=known.get(identity, {})))
    return sorter.listing()


def _people(path: Path) -> dict[str, dict[str, str]]:
    """What the table says of each person, by the first column.

    Raises:
        UserError: it cannot be read, or has no second column.
    """
    try:
        text = io.StringIO(read_file(path).decode("utf-8-sig"), newline="")
        rows = [[cell.strip() for cell in row] for row in csv.reader(text) if row]
    except (OSError, ValueError, csv.Error) as error:
        raise UserError(f"Cannot read the table of people {path}: {why(error)}.") from None
    if not rows or len(rows[0]) < 2:
        raise UserError(
            f"{path} says nothing of anybody: give a header, then the folder's name, a comma, what is known."
        )
    known: dict[str, dict[str, str]] = {}
    for row in rows[1:]:
        said = {name: cell for name, cell in zip(rows[0][1:], row[1:], strict=False) if cell}
        if known.setdefault(readable(row[0]), said) != said:
            raise UserError(f"{path} says two things of {row[0]!r}: leave one row of that name.")
    return known
