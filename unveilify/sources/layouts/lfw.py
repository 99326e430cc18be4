"""Labeled Faces in the Wild: ``<Name>/<Name>_0001.jpg``, at any depth (``lfw/``, ``lfw-deepfunneled/``, ...)."""

import re
from pathlib import Path

from unveilify.core.config import Config as BaseConfig
from unveilify.core.records import Photo
from unveilify.sources.listing import File, Listing, Sorter, confidence, files

_NUMBERED = re.compile(r"(.+)_\d{4}", re.DOTALL)


class Config(BaseConfig):
    """This layout has no options."""


def recognises(root: Path) -> float:
    """How many of the pictures are named after their folder and four digits."""
    return confidence(root, lambda file: bool(_person(file)))


def photos(root: Path, config: Config) -> Listing:
    """List the photos; identity and group are the person's name as LFW spells it."""
    sorter = Sorter()
    for file in files(root):
        person = _person(file)
        if not file.is_picture:
            sorter.skip(file, file.why_not_a_picture)
        elif not person:
            sorter.skip(file, "not_an_lfw_name")
        else:
            sorter.keep(Photo(file.path, person, person))
    return sorter.listing()


def _person(file: File) -> str:
    """The name, when folder and file agree on it."""
    match = _NUMBERED.fullmatch(file.stem)
    return match[1] if match and len(file.parts) > 1 and match[1] == file.parts[-2] else ""
