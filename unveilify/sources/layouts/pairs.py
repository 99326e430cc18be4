"""Real photos with and without a mask, told apart by a folder: ``<person>/unmasked/1.jpg`` or ``unmasked/1.jpg``.

Only the unmasked photos are given to the chain, which draws its own masks; a masked photo is skipped by name, so
that it never passes for a bare face. Where its path differs in that folder alone, ``meta["masked"]`` names it.
"""

from pathlib import Path

from unveilify.core.config import Config as BaseConfig
from unveilify.core.records import Photo
from unveilify.sources.listing import File, Listing, Sorter, confidence, files

MASKED = frozenset({"masked", "with_mask", "mask"})
UNMASKED = frozenset({"unmasked", "without_mask", "no_mask", "nomask"})


class Config(BaseConfig):
    """This layout has no options."""


def recognises(root: Path) -> float:
    """How many of the pictures lie in a folder of either name."""
    return confidence(root, lambda file: _side(file) is not None)


def photos(root: Path, config: Config) -> Listing:
    """List the unmasked photos; identity and group are the first other folder, or the file's stem where none is."""
    sorter = Sorter()
    found = files(root)
    masked = {_rest(file): file.path for file in found if file.is_picture and _side(file) in MASKED}
    for file in found:
        if not file.is_picture:
            sorter.skip(file, file.why_not_a_picture)
        elif _side(file) in UNMASKED:
            rest = _rest(file)
            identity = rest[0] if len(rest) > 1 else file.stem
            twin = masked.get(rest)
            sorter.keep(Photo(file.path, identity, identity, (), {"masked": twin} if twin else {}))
        else:
            sorter.skip(file, "masked_photo" if _side(file) else "neither_masked_nor_unmasked")
    return sorter.listing()


def _side(file: File) -> str | None:
    """The lowest folder that says whether masks are worn, in lower case."""
    return next((part.lower() for part in file.parts[-2::-1] if part.lower() in MASKED | UNMASKED), None)


def _rest(file: File) -> tuple[str, ...]:
    """The folders and file name without that folder."""
    parts = list(file.parts)
    at = max(i for i, part in enumerate(parts[:-1]) if part.lower() in MASKED | UNMASKED)
    return tuple(parts[:at] + parts[at + 1 :])
