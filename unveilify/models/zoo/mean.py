"""The mean training face in the hole: what is right about everybody."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from unveilify.core.errors import UserError
from unveilify.models.contract import Batch, Output, Recipe, Sized
from unveilify.models.layers.pictures import composite

USES_HOLE = True
TRAINS = False
RECIPE = Recipe()


class Config(Sized):
    """Nothing to set."""

    @property
    def uses_identity(self) -> bool:
        """Never."""
        return False


class Network(nn.Module):
    """Holds the per-pixel mean of the unmasked training pictures, (3, S, S) in [-1, 1]."""

    face: Tensor

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("face", torch.zeros(3, config.size_px, config.size_px))

    def fit(self, batches: Iterable[Batch]) -> None:
        """Learn the mean of ``batch.unmasked`` over all batches (summed in float64).

        Raises:
            UserError: there was not one unmasked picture.
        """
        total = torch.zeros_like(self.face, dtype=torch.float64)
        count = 0
        for batch in batches:
            if batch.unmasked is not None:
                total += batch.unmasked.to(total).sum(0)
                count += len(batch)
        if count == 0:
            raise UserError("The model 'mean' needs at least one unmasked training picture: give it a training split.")
        self.face.copy_(total / count)

    def forward(self, batch: Batch) -> Output:
        """Paste the mean face into the hole."""
        return Output(image=composite(self.face.expand_as(batch.masked), batch.masked, batch.hole))


def discriminator(config: Config) -> None:
    """None: nothing is trained."""
