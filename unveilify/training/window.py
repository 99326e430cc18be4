"""The values that the next row of the log is the mean of."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch

from unveilify.training.distributed import World


@dataclass
class Window:
    """Sums and counts since the last row, by name: a loss that acted in some steps only is their mean.

    Values that are not finite are left out; those steps are counted as skipped. A part of every checkpoint.
    """

    sums: dict[str, float] = field(default_factory=dict)
    counts: dict[str, float] = field(default_factory=dict)

    def add(self, values: Mapping[str, float]) -> None:
        """The values of one step."""
        for name, value in values.items():
            there = math.isfinite(value)
            self.sums[name] = self.sums.get(name, 0.0) + (value if there else 0.0)
            self.counts[name] = self.counts.get(name, 0.0) + there

    def together(self, world: World, device: torch.device) -> None:
        """Make it the mean over all processes, in each of them."""
        self.sums, self.counts = (world.mean(part) for part in (self.sums, self.counts))

    def close(self, world: World, device: torch.device) -> dict[str, float]:
        """The means; NaN where nothing was finite. Begins again."""
        self.together(world, device)
        means = {
            name: total / self.counts[name] if self.counts[name] else math.nan for name, total in self.sums.items()
        }
        self.sums, self.counts = {}, {}
        return means
