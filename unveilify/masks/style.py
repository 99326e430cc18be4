"""What a mask style is, what every style is made of, and how to get one by its name.

A style (``masks/styles/<name>.py``) has ``Config``, how often what is drawn, and ``Params``, one mask; and

* ``sample(rng, config) -> Params``: a mask nobody has seen before;
* ``cut(params) -> Cut``: its outline;
* ``texture(params, width, height) -> Sheet``: its material, laid flat;
* ``straps(params) -> tuple[Strap, ...]``: what holds it.

`masks.sheet` has the brushes for a texture, `masks.fabric` creases, patterns, seams, letters and valves.
"""

from functools import lru_cache
from types import ModuleType

from unveilify.core import plugins
from unveilify.core.config import Config as StyleConfig
from unveilify.masks.shares import Chance, Shares, shares_of
from unveilify.masks.sheet import Colour, Sheet
from unveilify.masks.straps import EAR_LOOP, HEAD_STRAPS, Strap
from unveilify.masks.surface import Cut

__all__ = [
    "EAR_LOOP",
    "HEAD_STRAPS",
    "Chance",
    "Colour",
    "Cut",
    "Shares",
    "Sheet",
    "Strap",
    "StyleConfig",
    "StyleParams",
    "find",
    "shares_of",
]


class StyleParams(StyleConfig):
    """One mask; lengths are in distances between the eyes, below the eye line where they are heights.

    ``seed`` is for what is drawn at random in the texture, so that equal parameters are equal pixels.
    """

    colour: Colour
    seed: int = 0


@lru_cache(maxsize=64)
def find(name: str) -> ModuleType:
    """The style's module; remembered, because looking through the folder takes longer than drawing a strap.

    Raises:
        UserError: there is no such style; the nearest name is suggested.
    """
    return plugins.load("style", name)
