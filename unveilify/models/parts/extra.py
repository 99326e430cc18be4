"""What a plugin may offer the training beyond its contract: losses that only its own paper has.

* ``extra_losses(config, device) -> ExtraLosses``, a function of the plugin: losses by pretrained networks of its own;
* ``match(image, batch) -> Tensor``, a method of its discriminator (`Matches`): a loss on what that one perceives.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from torch import Tensor

from unveilify.models.parts.contract import Batch, Output

Losses = Callable[[Output, Batch], dict[str, Tensor]]
"""Weighted losses by name, of an output and the batch it belongs to."""


@dataclass(frozen=True, slots=True)
class ExtraLosses:
    """``losses`` (None: none is live), and ``notes`` that say of each loss whether it is live."""

    losses: Losses | None
    notes: dict[str, str]


@runtime_checkable
class Matches(Protocol):
    """A discriminator whose features of made and true pictures are to agree."""

    def match(self, image: Tensor, batch: Batch) -> Tensor:
        """The weighted loss between the features of ``image`` and of ``batch.unmasked``; a scalar."""
