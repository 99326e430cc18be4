"""prior: find the mask and show a face that is nobody's, predicted in closed form from the upper half.

It looks at no photo of the person.
"""

from torch import Tensor

from unveilify.models.contract import Batch, Recipe
from unveilify.models.layers.candidates import Source
from unveilify.models.zoo import place
from unveilify.models.zoo.place import Config as PlaceConfig
from unveilify.models.zoo.place import discriminator as discriminator

USES_HOLE = False
TRAINS = False
RECIPE = Recipe()


class Config(PlaceConfig):
    """What is shown."""

    @property
    def uses_identity(self) -> bool:
        """Never."""
        return False


class Network(place.Network):
    """As `place`, with no photo of the person."""

    def sources(self, batch: Batch, hole: Tensor) -> list[Source]:
        """None."""
        return []
