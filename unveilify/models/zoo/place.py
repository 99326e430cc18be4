"""place: find the mask, lay the person's photos into the pose of the face, match their colours. Nothing is painted.

The finder is the only part that was ever trained. Without a photo of the person it shows nobody's face, as `prior`.
`unveilify train --model place` computes that face anew from unmasked pictures, in one pass.
"""

from collections.abc import Iterable, Iterator

import torch
from pydantic import Field
from torch import Tensor, nn

from unveilify.models.contract import Batch, Output, Recipe, Sized
from unveilify.models.layers import shipped
from unveilify.models.layers.candidates import Source, from_photos, from_prior, mesh_of
from unveilify.models.layers.face_prior import FacePrior
from unveilify.models.layers.hole import laid_over, soften
from unveilify.models.layers.laid import finished, lay_out
from unveilify.models.layers.placing import Window
from unveilify.models.zoo.find import Config as FindConfig
from unveilify.models.zoo.find import Network as Finder

USES_HOLE = False
TRAINS = False
RECIPE = Recipe()

WHOLE = Window()

MOST = 6000
"""Faces that `Network.learn` keeps in memory, 400 kB each."""


class Config(Sized):
    """What is shown."""

    draw_px: int = Field(256, ge=32, description="side at which meshes are drawn; pictures keep their own")
    widen: float = Field(0.015, ge=0, le=0.1, description="the hole is the mask widened by this share of the side")


class Network(nn.Module):
    """Finder and prior; ``any_size``: photos of any side, at that side."""

    any_size = needs_values = lays_meshes = True

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.finder, self.prior = Finder(FindConfig()), FacePrior()
        shipped.give(self, "finder", "prior")

    @torch.no_grad()
    def forward(self, batch: Batch) -> Output:
        """Fill what is found."""
        found = self.finder.alpha(batch.masked, batch.landmarks)
        hole, alpha = soften(found, self.config.widen, batch.landmarks)
        return Output(image=laid_over(batch.masked, alpha, self.fill(batch, hole)), alpha=alpha)

    def fill(self, batch: Batch, hole: Tensor) -> Tensor:
        """What is laid over the hole (B, 3, S, S)."""
        return filled(batch, hole, self.sources(batch, hole), self.prior, self.config.draw_px)

    def learn(self, batches: Iterable[Batch]) -> dict[str, int]:
        """Learn nobody's face from the unmasked pictures of the batches, of which at most `MOST` count.

        Raises:
            UserError: not one of them shows a face with a closed mouth and a mesh.
        """
        return {"faces": self.prior.fit(_faces(batches), MOST)}

    def sources(self, batch: Batch, hole: Tensor) -> list[Source]:
        """The photos of the person."""
        return from_photos(batch, hole, self.config.draw_px, WHOLE)


def filled(batch: Batch, hole: Tensor, photos: list[Source], prior: FacePrior, draw_px: int) -> Tensor:
    """What is laid over the ``hole`` (B, 1, S, S): (B, 3, S, S). ``photos`` of the person and nobody's face, drawn at
    ``draw_px``."""
    nobody, _ = from_prior(batch, hole, draw_px, WHOLE, prior)
    laid = lay_out(batch, hole, photos, nobody, WHOLE)
    masked, behind = batch.masked.float(), laid.behind
    fill = behind + laid.share * (laid.face.picture - behind)
    return finished(fill, masked, hole, laid.share * (1 - laid.face.trust))


def _faces(batches: Iterable[Batch]) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    for batch in batches:
        if batch.unmasked is not None:
            yield batch.unmasked, mesh_of(batch.unmasked_landmarks, batch), mesh_of(batch.landmarks, batch)


def discriminator(config: Config) -> None:
    """None: nothing is trained."""
