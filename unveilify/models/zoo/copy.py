"""The masked picture as it is: what a network must beat to have done anything at all."""

from torch import nn

from unveilify.models.contract import Batch, Output, Recipe, Sized

USES_HOLE = False
TRAINS = False
RECIPE = Recipe()


class Config(Sized):
    """Nothing to set."""

    @property
    def uses_identity(self) -> bool:
        """Never."""
        return False


class Network(nn.Module):
    """The identity function of the masked picture."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config

    def forward(self, batch: Batch) -> Output:
        """Give the masked picture back."""
        return Output(image=batch.masked)


def discriminator(config: Config) -> None:
    """None: nothing is trained."""
