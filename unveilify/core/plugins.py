"""Find plugins: in a plugin room, every module is one plugin and its file name is its public name.

Modules whose names begin with an underscore and sub-packages are not plugins. Nothing is registered anywhere: a new
file is found by being there. Another package adds plugins by entry points: in its pyproject.toml

    [project.entry-points."unveilify.style"]
    tartan = "my_package.tartan"

makes the module ``my_package.tartan`` the mask style `tartan`. What this package has itself goes before them.
"""

import ast
import pkgutil
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from pydantic import AfterValidator

from unveilify.core.errors import UserError

ROOMS = {
    "source": "unveilify.sources.layouts",
    "landmarks": "unveilify.faces.backends",
    "style": "unveilify.masks.styles",
    "model": "unveilify.models.zoo",
    "metric": "unveilify.metrics.columns",
}
WORDS = {
    "source": "layout",
    "landmarks": "landmark backend",
    "style": "mask style",
    "model": "network",
    "metric": "metric",
}
"""What a plugin of each room is called in a sentence."""


def names(room: str) -> list[str]:
    """Public names of the plugins of ``room`` (a key of `ROOMS`), sorted, without importing them."""
    return sorted({*_own(room), *_others(room)})


def summary(room: str, name: str) -> str:
    """The first line of a plugin's docstring, read without importing it; empty where its file cannot be read."""
    module = f"{ROOMS[room]}.{name}" if name in _own(room) else _others(room)[name].module
    try:
        spec = find_spec(module)
        source = Path(str(spec and spec.origin)).read_text(encoding="utf-8")
    except (ImportError, OSError):
        return ""
    return (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]


def load(room: str, name: str) -> ModuleType:
    """Import the plugin ``name`` of ``room``.

    Raises:
        UserError: there is no such plugin; the nearest name is suggested. Or one of another package cannot be imported.
    """
    if name in _own(room):
        return import_module(f"{ROOMS[room]}.{name}")
    if name in _others(room):
        entry = _others(room)[name]
        try:
            return import_module(entry.module)
        except ImportError as error:
            raise UserError(
                f"The {room} '{name}' of {entry.value} cannot be imported ({error}): mend or remove it."
            ) from None
    raise UserError(f"There is no {_unknown(room, name)}")


def known(room: str) -> AfterValidator:
    """For a setting that names a plugin of ``room``: another name is refused as soon as settings are read."""

    def check(name: str) -> str:
        if name not in names(room):
            raise ValueError(f"there is no {_unknown(room, name)}")
        return name

    return AfterValidator(check)


def _unknown(room: str, name: str) -> str:
    there = names(room)
    near = get_close_matches(name, there, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"there are: {', '.join(there)}."
    return f"{WORDS[room]} called '{name}'; {hint}"


def _own(room: str) -> list[str]:
    """Those in the room's own folder."""
    found = pkgutil.iter_modules(import_module(ROOMS[room]).__path__)
    return [m.name for m in found if not m.ispkg and not m.name.startswith("_")]


@cache
def _others(room: str) -> dict[str, EntryPoint]:
    """Those that other packages add, by name; looked up once, for it reads what is said of every package installed."""
    return {entry.name: entry for entry in entry_points(group=f"unveilify.{room}")}
