"""What a mask style is, and how to get one by its name.

A style (``masks/styles/<name>.py``) has ``Config`` and ``Params``, and

* ``sample(rng, config) -> Params``: a mask nobody has seen before;
* ``cut(params) -> Cut``: its outline;
* ``texture(params, width, height) -> Sheet``: its material, laid flat;
* ``straps(params)``: what holds it.
"""

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
