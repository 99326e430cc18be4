"""Networks that must be told where the mask is, told by one that finds it; and any network with a hole that somebody drew."""

import copy
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from unveilify.core.batch import Batch, resized_alpha
from unveilify.core.engine.device import pick
from unveilify.core.errors import UserError
from unveilify.core.found import Floats
from unveilify.models.contract import Fits, Output, plugin
from unveilify.models.layers.hole import laid_over, soften
from unveilify.models.store import load
from unveilify.models.system import NetworkSystem
from unveilify.unmask.files import network_of
from unveilify.weights import FINDER, PLACE, SHIPPED, fetch

WIDEN = 0.015
"""A mask that was found is widened by this share of the side, as `place` does."""
SIZE_PX = 256
"""Side of the face crops of an untrained network that serves only one size."""


@dataclass(frozen=True)
class Guided(NetworkSystem):
    """A network that is told the hole: what ``finder`` finds, or ``drawn`` (S, S) 0…1, the hole in this very face crop."""

    finder: NetworkSystem | None = None
    drawn: Floats | None = None

    def predict(self, batch: Batch) -> Output:
        """The network's picture inside the hole, softly laid over the photo; ``alpha`` says where."""
        own = batch.sized(self.size_px)
        alpha = self._alpha(own)
        hole, soft = soften(alpha, WIDEN, own.landmarks) if self.drawn is None else soften(alpha, 0, None)
        network = self.network
        if self.drawn is not None and hasattr(network, "finder"):
            network = _with_finder(network, _Drawn(alpha))
        output = NetworkSystem(network, self.size_px, self.told).predict(replace(own, hole=hole))
        if output.alpha is None:
            output = Output(laid_over(own.masked.cpu(), soft.cpu(), output.image.cpu()), soft.cpu())
        return output.sized(batch.size_px)

    def _alpha(self, batch: Batch) -> Tensor:
        if self.drawn is not None:
            return resized_alpha(torch.from_numpy(self.drawn)[None, None], batch.size_px).expand(len(batch), -1, -1, -1)
        assert self.finder is not None
        found = self.finder.at(batch.size_px).predict(batch).alpha
        assert found is not None, "a network that finds masks"
        return found.cpu()


class _Drawn(nn.Module):
    """Finds what it was given."""

    def __init__(self, given: Tensor) -> None:
        super().__init__()
        self.register_buffer("given", given)

    def alpha(self, masked: Tensor, landmarks: Tensor | None = None) -> Tensor:
        """(B, 1, S, S) for pictures (B, 3, S, S), whatever else is seen in them."""
        assert isinstance(self.given, Tensor)
        return resized_alpha(self.given.cpu(), masked.shape[-1]).to(masked)


def _with_finder(network: nn.Module, finder: nn.Module) -> nn.Module:
    """The network with another finder; its weights are shared, and it stays as it is."""
    other = copy.copy(network)
    other._modules = {**network._modules, "finder": finder}
    return other


def guided(system: NetworkSystem, device: str) -> NetworkSystem:
    """The system, told by the mask finder in the package where it must be told."""
    if not system.told:
        return system
    finder = NetworkSystem.of(load(fetch(FINDER)), pick(device))
    return Guided(system.network, system.size_px, True, finder=finder)


def drawn(system: NetworkSystem, hole: Floats) -> NetworkSystem:
    """The system with a hole (S, S) 0…1 that somebody drew in the face crop."""
    return Guided(system.network, system.size_px, system.told, drawn=hole)


def named(name: str, device: str) -> tuple[str, NetworkSystem]:
    """A network by its name: one in the package, or one that needs no training, with its name for people.

    Raises:
        UserError: it has to be trained, or needs photos of others.
    """
    if name in (SHIPPED, PLACE):
        stored = load(network_of(name))
        return stored.model, NetworkSystem.of(stored, pick(device))
    module = plugin(name)
    if module.TRAINS:
        raise UserError(f"'{name}' has to be trained: `unveilify train --model {name}`, and give the run as --run.")
    if issubclass(module.Network, Fits):
        raise UserError(f"'{name}' is made from the photos of a data set, and is a row of `unveilify report` only.")
    network = module.Network(module.Config(size_px=SIZE_PX))
    return name, NetworkSystem(network.eval().to(pick(device)), SIZE_PX, module.USES_HOLE)
