"""One way to predict: whatever gives pictures of faces without their masks is a system."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Literal, Protocol

import torch
from torch import nn

from unveilify.core.batch import Batch
from unveilify.core.sample import Sample
from unveilify.models.contract import Output, plugin
from unveilify.models.store import Stored

Kind = Literal["truth", "rival", "trained", "stranger", "alone", "predictions"]


class Predicts(Protocol):
    """The part of a system that serves where nobody asks for its name."""

    def predict(self, batch: Batch) -> Output:
        """Pictures for a batch of any size, at that size; where the mask is (``alpha``), of one that was not told."""


class System(Predicts, Protocol):
    """One row of the table: ``label`` for people, ``kind``, and ``identity``, a hash of all that its outputs depend on."""

    @property
    def label(self) -> str: ...  # noqa: D102

    @property
    def kind(self) -> Kind: ...  # noqa: D102

    @property
    def identity(self) -> str: ...  # noqa: D102


@dataclass(frozen=True)
class NetworkSystem:
    """A network at its own ``size_px``. ``told``: it must be told where the mask is."""

    network: nn.Module
    size_px: int
    told: bool = False

    @classmethod
    def of(cls, stored: Stored, device: torch.device | str = "cpu") -> "NetworkSystem":
        """A network as it was saved, on a device."""
        return cls(stored.network.to(device), stored.config.size_px, plugin(stored.model).USES_HOLE)

    def at(self, size_px: int) -> "NetworkSystem":
        """The same network for pictures of another side, if it serves any (``any_size``); else as it is."""
        return replace(self, size_px=size_px) if getattr(self.network, "any_size", False) else self

    @torch.no_grad()
    def predict(self, batch: Batch) -> Output:
        """Pictures from the batch alone: never is the truth seen, nor the hole by a network that is not told."""
        own = batch.sized(self.size_px)
        held = next(chain(self.network.parameters(), self.network.buffers()), None)
        shown = replace(
            own if held is None else own.to(held.device), unmasked=None, unmasked_landmarks=None, stranger=None
        )
        if not self.told:
            shown = replace(shown, hole=torch.zeros_like(shown.hole))
        output: Output = self.network.eval()(shown)
        return replace(output, alpha=None if self.told else output.alpha).sized(batch.size_px)


def predict(system: Predicts, samples: Sequence[Sample]) -> Output:
    """What a system makes of samples of one size."""
    return system.predict(Batch.of(samples))
