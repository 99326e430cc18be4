"""Find plugins: in a plugin room, every module is one plugin and its file name is its public name.

Modules whose names begin with an underscore and sub-packages are not plugins.
Nothing is registered anywhere: a new file is found by being there.
"""

import ast
import pkgutil
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from types import ModuleType

from unveilify.core.errors import UserError

ROOMS = {
    "source": "unveilify.sources",
    "landmarks": "unveilify.faces.landmarks",
    "style": "unveilify.masks.styles",
    "model": "unveilify.models",
    "metric": "unveilify.metrics",
}


def names(room: str) -> list[str]:
    """Public names of the plugins of ``room`` (a key of `ROOMS`), sorted, without importing them."""
    package = import_module(ROOMS[room])
    found = pkgutil.iter_modules(package.__path__)
    return sorted(m.name for m in found if not m.ispkg and not m.name.startswith("_"))


def summary(room: str, name: str) -> str:
    """The first line of a plugin's docstring, read without importing it."""
    package = import_module(ROOMS[room])
    source = (Path(package.__path__[0]) / f"{name}.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]


def load(room: str, name: str) -> ModuleType:
    """Import the plugin ``name`` of ``room``.

    Raises:
        UserError: there is no such plugin; the nearest name is suggested.
    """
    known = names(room)
    if name not in known:
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"there are: {', '.join(known)}."
        raise UserError(f"There is no {room} called '{name}'; {hint}")
    return import_module(f"{ROOMS[room]}.{name}")
