"""What a landmark backend is, and how to get one by its name."""

from collections.abc import Callable
from typing import Any, Protocol

from unveilify.core import plugins
from unveilify.core.config import build
from unveilify.core.records import Face, Image


class Backend(Protocol):
    """Finds faces and their landmarks in a picture."""

    def find(self, image: Image, *, masked: bool = False, path: str = "") -> list[Face]:
        """Faces of an RGB picture (H, W, 3), the most prominent first; empty if there is none.

        ``masked`` says that faces wear masks. ``path`` is the photo's path relative to its source: it matters
        to backends that look landmarks up instead of finding them.
        """
        ...


def load(name: str, options: dict[str, Any]) -> Callable[[], Backend]:
    """What makes the backend called ``name`` with its own settings; they are checked at once, networks are not read.

    Raises:
        UserError: there is no such backend, or a setting is wrong.
    """
    module = plugins.load("landmarks", name)
    config = build(module.Config, options)

    def make() -> Backend:
        backend: Backend = module.Backend(config)
        return backend

    return make
