"""One folder per person, any depth below it: ``<identity>/.../anything.jpg``. The layout for everything else."""

from pathlib import Path

from pydantic import Field

from unveilify.core.config import Config as BaseConfig
from unveilify.core.records import Photo
from unveilify.sources._listing import Listing, Sorter, files, readable


class Config(BaseConfig):
    """Options of this layout."""

    level: int = Field(
        1, ge=0, description="which folder below the root names the person; 0: every photo is somebody else"
    )


def recognises(root: Path) -> float:
    """A little, always: this is what a tree is when no other layout knows it better."""
    return 0.05


def photos(root: Path, config: Config) -> Listing:
    """List the photos; a picture above the identity's folder is skipped as ``no_identity_folder``."""
    sorter = Sorter()
    for file in files(root):
        if not file.is_picture:
            sorter.skip(file, file.why_not_a_picture)
        elif len(file.parts) <= config.level:
            sorter.skip(file, "no_identity_folder")
        else:
            identity = file.parts[config.level - 1] if config.level else readable(file.path)
            sorter.keep(Photo(file.path, identity, identity))
    return sorter.listing()
