"""prior: find the mask and show a face that is nobody's, predicted in closed form from the upper half.

It looks at no photo of the person.
"""

from torch import Tensor

from unveilify.models import place
from unveilify.models.parts.candidates import Source
from unveilify.models.parts.contract import Batch, Recipe
from unveilify.models.place import Config as PlaceConfig
from unveilify.models.place import discriminator as discriminator

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
