"""What a landmark backend is, and how to get one by its name."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from unveilify.core import plugins
from unveilify.core.config import build
from unveilify.core.errors import UserError
from unveilify.core.records import Face, Image


class Backend(Protocol):
    """Finds faces and their landmarks in a picture."""

    def find(self, image: Image, *, masked: bool = False, everyone: bool = False, path: str = "") -> list[Face]:
        """Faces of an RGB picture (H, W, 3), the most prominent first; empty if there is none.

        ``masked`` says that faces wear masks. ``everyone`` asks for all faces; without it a backend may stop
        looking once it has found some. ``path`` is the photo's path relative to its source: it matters
        to backends that look landmarks up instead of finding them.
        """
        ...


def load(name: str, options: Mapping[str, Any]) -> Callable[[], Backend]:
    """What makes the backend ``name`` with its own settings; they are checked at once, networks are not read.

    ``name`` may carry the value of the backend's `MAIN_OPTION`: ``insightface:scrfd_2.5g_bnkps``, ``sidecar:marks.csv``,
    ``mediapipe:opencv``.

    Raises:
        UserError: there is no such backend, or a setting is wrong.
    """
    plugin, colon, value = name.partition(":")
    module = plugins.load("landmarks", plugin.strip())
    settings = dict(options)
    if colon:
        main = getattr(module, "MAIN_OPTION", None)
        if main is None:
            raise UserError(f"The landmark backend '{plugin}' takes nothing after a colon, so not '{name}'.")
        settings[main] = value.strip()
    config = build(module.Config, settings)

    def make() -> Backend:
        backend: Backend = module.Backend(config)
        return backend

    return make


def slower(landmarks: str, software: Mapping[str, str]) -> str:
    """A sentence where the default backend had to do without its quick engine, else "".

    Args:
        landmarks: the backends that were asked for, as a `Finder` takes them.
        software: what found the faces, as it is in a stamp.
    """
    if software.get("ai-edge-litert") != "absent" or "mediapipe" not in [n.strip() for n in landmarks.split(",")]:
        return ""
    return "Faces were found by OpenCV: with ai-edge-litert, where there is a wheel for this machine, it takes half the time."
