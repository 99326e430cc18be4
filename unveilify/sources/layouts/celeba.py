"""CelebA: ``img_align_celeba/000001.jpg`` and the list ``identity_CelebA.txt`` (``000001.jpg 2880``), anywhere."""

from pathlib import Path

from unveilify.core.config import Config as BaseConfig
from unveilify.core.errors import UserError, why
from unveilify.core.records import Photo
from unveilify.core.storage import read_member
from unveilify.sources.listing import Listing, Sorter, files, peek

IDENTITIES = "identity_CelebA.txt"


class Config(BaseConfig):
    """This layout has no options."""


def recognises(root: Path) -> float:
    """Whether the list of identities lies in the folder or beside the pictures."""
    if (root / IDENTITIES).is_file():
        return 0.97
    names = {part for file in peek(root) for part in file.parts}
    return 0.97 if IDENTITIES in names or "img_align_celeba" in names else 0.0


def photos(root: Path, config: Config) -> Listing:
    """List the photos; identity and group are the number in the list. A photo not listed is ``no_identity``.

    Raises:
        UserError: the list of identities is missing (CelebA gives it only on request) or malformed.
    """
    found = files(root)
    listed = next((file for file in found if file.name == IDENTITIES and not file.fault), None)
    if listed is None:
        raise UserError(f"{root} looks like CelebA but has no {IDENTITIES}: ask its makers for it and put it there.")
    people = _read(root, listed.path)
    sorter = Sorter()
    kept: set[str] = set()
    for file in found:
        person = people.get(file.stem)
        if not file.is_picture:
            sorter.skip(file, "label" if file.extension in (".txt", ".csv") else file.why_not_a_picture)
        elif person is None:
            sorter.skip(file, "no_identity")
        elif file.stem in kept:
            sorter.skip(file, "duplicate")
        else:
            kept.add(file.stem)
            sorter.keep(Photo(file.path, person, person))
    return sorter.listing()


def _read(root: Path, path: str) -> dict[str, str]:
    """Picture number (the name's stem, so that the ``.png`` edition works too) to person."""
    people: dict[str, str] = {}
    try:
        lines = read_member(root, path).decode("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"Cannot read {root / path}: {why(error)}.") from None
    for number, line in enumerate(lines, 1):
        words = line.split()
        if len(words) != 2 or not words[1].isdigit():
            raise UserError(f"{root / path} line {number} is not 'picture person': take the file as CelebA gives it.")
        if people.setdefault(words[0].rpartition(".")[0], words[1]) != words[1]:
            raise UserError(
                f"{root / path} line {number} gives {words[0]} a second person: take the file as CelebA gives it."
            )
    return people
