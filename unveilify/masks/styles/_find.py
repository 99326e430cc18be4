"""Find a style by its name."""

from functools import lru_cache
from types import ModuleType

from unveilify.core import plugins


@lru_cache(maxsize=64)
def find(name: str) -> ModuleType:
    """The style's module; remembered, because looking through the folder takes longer than drawing a strap.

    Raises:
        UserError: there is no such style; the nearest name is suggested.
    """
    return plugins.load("style", name)
