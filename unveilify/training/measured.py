"""What the steps measured, as it lies on the device; reading a number there makes the host wait for all its work.

So a step reads nothing, and what several have measured is read at once, when a row or a checkpoint is due.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

import torch
from torch import Tensor


class Check(NamedTuple):
    """Of one optimizer step: its losses by name, their sum, and 1 where something was not finite and nothing moved."""

    optimizer: str
    losses: tuple[str, ...]
    total: Tensor
    bad: Tensor


class Step(NamedTuple):
    """A whole step, read: its number, its values by name, and what of it was not finite, if anything was."""

    number: int
    values: dict[str, float]
    fault: str


@dataclass
class Measured:
    """Scalars by name and checks of the step that is being taken, and of those before it that nobody has read."""

    values: dict[str, Tensor] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    unread: list[tuple[int, dict[str, Tensor], list[Check]]] = field(default_factory=list)

    def note(self, values: Mapping[str, Tensor]) -> None:
        """Values of the step that is being taken."""
        self.values |= values

    def close(self, number: int) -> dict[str, Tensor]:
        """The step of this number is over; its values."""
        values, self.values, checks, self.checks = self.values, {}, self.checks, []
        self.unread.append((number, values, checks))
        return values

    def read(self) -> Iterator[Step]:
        """All that is unread, oldest first."""
        steps, self.unread = self.unread, []
        scalars = [
            value
            for _, values, checks in steps
            for value in (*values.values(), *(part for check in checks for part in (check.total, check.bad)))
        ]
        numbers = iter(torch.stack([scalar.double() for scalar in scalars]).tolist() if scalars else [])
        for number, values, checks in steps:
            found = dict(zip(values, islice(numbers, len(values)), strict=True))
            faults = [_fault(check, found, *islice(numbers, 2)) for check in checks]
            yield Step(number, found, next(filter(None, faults), ""))


def _fault(check: Check, values: Mapping[str, float], total: float, bad: float) -> str:
    if not bad:
        return ""
    if math.isfinite(total):
        return f"the gradient of '{check.optimizer.removeprefix('adam_')}'"
    one = next((name for name in check.losses if not math.isfinite(values[name])), None)
    return f"the loss '{one}'" if one else "the sum of the losses"
