"""What a plugin may offer the training beyond its contract: losses that only its own paper has.

* ``extra_losses(config, device) -> ExtraLosses``, a function of the plugin: losses by pretrained networks of its own;
* ``match(image, batch) -> Tensor``, a method of its discriminator (`Matches`): a loss on what that one perceives, and
  ``match_weight``;
* ``at(progress)``, a method of its discriminator (`Paced`), called before every step: one that grows on a schedule.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from torch import Tensor

from unveilify.models.contract import Batch, Output

Losses = Callable[[Output, Batch], dict[str, Tensor]]
"""Losses by name, of an output and the batch it belongs to."""


@dataclass(frozen=True, slots=True)
class ExtraLosses:
    """``losses`` (None: none is live), ``notes`` that say of each loss whether it is live, and their ``weights``."""

    losses: Losses | None
    notes: dict[str, str]
    weights: dict[str, float] = field(default_factory=dict)


@runtime_checkable
class Matches(Protocol):
    """A discriminator whose features of made and true pictures are to agree; how much, says ``match_weight``."""

    match_weight: float

    def match(self, image: Tensor, batch: Batch) -> Tensor:
        """The loss between the features of ``image`` and of ``batch.unmasked``; a scalar."""


@runtime_checkable
class Paced(Protocol):
    """A discriminator that changes in the course of the training."""

    def at(self, progress: float) -> None:
        """Become what it is after this share, 0…1, of the training; of nothing else may its shape depend."""


def set_progress(discriminator: object, progress: float) -> None:
    """Tell a discriminator that changes in the course of the training where that is."""
    if isinstance(discriminator, Paced):
        discriminator.at(progress)
