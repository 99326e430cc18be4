"""K-Face, AI Hub dataSetSn=83: ``<8-digit person>/S001/L1/E01/C7.jpg`` (accessory, light, expression, camera)."""

import re
from pathlib import Path

from pydantic import Field

from unveilify.core.config import Config as BaseConfig
from unveilify.core.records import Photo
from unveilify.sources.listing import File, Listing, Sorter, confidence, files


class Config(BaseConfig):
    """Which of the 32,400 photos of each person to use; the defaults are 54: bare faces, plain light, near frontal."""

    accessories: tuple[int, ...] = Field((1,), description="S numbers; 1 is nothing worn")
    lights: tuple[int, ...] = Field((1, 2, 3), description="L numbers, 1…30; 1 is 1000 lux")
    expressions: tuple[int, ...] = Field((1, 2, 3), description="E numbers, 1…3")
    cameras: tuple[int, ...] = Field((5, 6, 7, 8, 9, 10), description="C numbers, 1…20; 7 looks straight on")


_LEVELS = (r"(\d{8})", r"S(\d{1,3})", r"L(\d{1,2})", r"E(\d{1,2})", r"C(\d{1,2})")


def recognises(root: Path) -> float:
    """How many of the pictures lie five such levels deep."""
    return confidence(root, lambda file: _place(file) is not None)


def photos(root: Path, config: Config) -> Listing:
    """List the photos that ``config`` asks for; identity and group are the person's number.

    ``meta`` holds accessory, light, expression, camera (numbers) and resolution (the folder above the person). One
    shot is taken under every light, and with one accessory and expression by every camera.
    Reasons: ``filtered``, ``duplicate`` (the same shot in another resolution or archive), ``label``.
    """
    sorter = Sorter()
    kept: set[tuple[str, ...]] = set()
    for file in _best_first(files(root)):
        place = _place(file)
        if not file.is_picture:
            sorter.skip(file, "label" if file.extension == ".txt" and not file.fault else file.why_not_a_picture)
        elif place is None:
            sorter.skip(file, "name_not_understood")
        elif not _wanted(place, config):
            sorter.skip(file, "filtered")
        elif place in kept:
            sorter.skip(file, "duplicate")
        else:
            kept.add(place)
            numbers = dict(zip(("accessory", "light", "expression", "camera"), map(int, place[1:]), strict=True))
            accessory, _, expression, camera = numbers.values()
            sitting = f"S{accessory}E{expression}"
            taken = {"sitting": sitting, "shot": f"{sitting}C{camera}"}
            meta = {**numbers, "resolution": file.parts[-6] if len(file.parts) > 5 else "", "taken": taken}
            sorter.keep(Photo(file.path, place[0], place[0], (), meta))
    return sorter.listing()


def _place(file: File) -> tuple[str, ...] | None:
    """Person, accessory, light, expression and camera, numbers without leading zeros; None elsewhere."""
    names = (*file.parts[-5:-1], file.stem)
    if len(names) != len(_LEVELS):
        return None
    found = [re.fullmatch(level, name, re.IGNORECASE) for level, name in zip(_LEVELS, names, strict=True)]
    numbers = [match[1] for match in found if match]
    return (numbers[0], *(str(int(n)) for n in numbers[1:])) if len(numbers) == len(_LEVELS) else None


def _wanted(place: tuple[str, ...], config: Config) -> bool:
    allowed = (config.accessories, config.lights, config.expressions, config.cameras)
    return all(int(number) in some for number, some in zip(place[1:], allowed, strict=True))


def _best_first(found: list[File]) -> list[File]:
    """Of the same shot in several resolutions the highest is kept."""
    order = {"high_resolution": 0, "middle_resolution": 1, "low_resolution": 2}
    return sorted(
        found,
        key=lambda file: (min((order[p.lower()] for p in file.parts if p.lower() in order), default=0), file.path),
    )
