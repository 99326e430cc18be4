"""OpenCV's inpainting by the fast marching method (Telea 2004): what the hole's rim alone can say."""

import cv2
import numpy as np
from pydantic import Field
from torch import nn

from unveilify.core.batch import to_bytes, to_tensor
from unveilify.models.contract import Batch, Output, Recipe, Sized
from unveilify.models.layers.pictures import composite, hole_mask

USES_HOLE = True
TRAINS = False
RECIPE = Recipe()


class Config(Sized):
    """How far the method looks."""

    radius: float = Field(3 / 64, gt=0, description="radius of the neighbourhood, as a share of the picture's side")

    @property
    def uses_identity(self) -> bool:
        """Never."""
        return False


class Network(nn.Module):
    """`cv2.inpaint` on every picture, one by one, on the CPU."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config

    def forward(self, batch: Batch) -> Output:
        """Fill the hole from its rim."""
        radius_px = max(1.0, self.config.radius * batch.masked.shape[-1])
        pairs = zip(to_bytes(batch.masked), hole_mask(batch.hole), strict=True)
        filled = np.stack([cv2.inpaint(image, hole, radius_px, cv2.INPAINT_TELEA) for image, hole in pairs])
        return Output(image=composite(to_tensor(filled, batch.masked), batch.masked, batch.hole))


def discriminator(config: Config) -> None:
    """None: nothing is trained."""
