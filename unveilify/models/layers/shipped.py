"""The weights that come with the package, for networks that are built from parts of them."""

from functools import lru_cache

from torch import Tensor, nn

from unveilify import weights
from unveilify.models import store


def give(network: nn.Module, *parts: str) -> None:
    """Put the named parts of `place` as it comes with the package into those of ``network``, and freeze them.

    Raises:
        weights.Missing: the file is not here.
    """
    state = _state(weights.PLACE)
    for part in parts:
        module: nn.Module = getattr(network, part)
        if any(tensor.is_meta for tensor in module.state_dict().values()):
            continue  # only shapes are asked for
        own = {
            key.removeprefix(f"{part}."): value.float() for key, value in state.items() if key.startswith(f"{part}.")
        }
        module.load_state_dict(own)
        module.requires_grad_(False)


@lru_cache(maxsize=2)
def _state(name: str) -> dict[str, Tensor]:
    return store.read(weights.fetch(name))[1]
