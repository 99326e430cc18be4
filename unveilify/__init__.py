"""unveilify: from a folder of face photos to masked pairs, shards, a trained network and a metrics table.

    import unveilify

    masked = unveilify.draw_mask("photo.jpg", style="surgical").image
    unveilify.Unmasker.load().remove(masked, identity=["another_photo.jpg"]).image
    unveilify.find_faces("photo.jpg")
    unveilify.open_shards("data/shards", "train")

Nothing is imported before it is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unveilify.core.errors import UserError as UserError
    from unveilify.shards.dataset import open_shards as open_shards
    from unveilify.synth.draw import draw_mask as draw_mask
    from unveilify.unmask.faces import find_faces as find_faces
    from unveilify.unmask.unmasker import Unmasker as Unmasker

__version__ = "0.1.0"

_HOMES = {
    "Unmasker": "unmask.unmasker",
    "UserError": "core.errors",
    "draw_mask": "synth.draw",
    "find_faces": "unmask.faces",
    "open_shards": "shards.dataset",
}

__all__ = ["Unmasker", "UserError", "draw_mask", "find_faces", "open_shards"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"unveilify has no '{name}': there are {', '.join(__all__)}.")
    return getattr(import_module(f"unveilify.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
