"""What every model plugin takes, gives and declares.

A plugin (``models/zoo/<name>.py``) is a module with

* ``USES_HOLE: bool``: it is told the true hole (most rivals); a *blind* one never looks at ``batch.hole``;
* ``TRAINS: bool``: it is trained with a loss; one that is not may offer ``Network.fit(batches)`` instead;
* ``Config``: a frozen config with at least ``size_px``, which says whether the network ``uses_identity``;
* ``Network(config)``: an ``nn.Module`` whose ``forward(batch)`` returns an `Output`; one that has ``any_size = True``
  serves pictures of any side at that side, so that `remove` hands it the photo's own resolution; one that has
  ``needs_values = True`` computes with numbers outside of torch, so that no shapes without values pass through it;
  one that has ``lays_meshes = True`` lays faces by their landmarks, which are looked for again (`unmask.settle`);
* ``RECIPE: Recipe``: how it is trained unless told otherwise (the settings of its own paper);
* ``discriminator(config)``: a module called as ``D(image, batch) -> logits``, or None.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Protocol, cast, runtime_checkable

from torch import Tensor, nn

from unveilify.core.batch import Batch as Batch
from unveilify.core.batch import alpha_bytes, resized_alpha, to_bytes, to_floats
from unveilify.core.config import Config
from unveilify.core.plugins import load as load_plugin
from unveilify.core.records import Image
from unveilify.core.sample import resize
from unveilify.models.recipe import Recipe as Recipe


@dataclass(frozen=True, slots=True)
class Output:
    """What a network gives.

    ``image`` (B, 3, S, S), about [-1, 1]: not clamped in training, clamped by whoever saves or measures it
    (`clamped`). ``alpha`` (B, 1, S, S) in [0, 1]: where the network itself believes the mask to be, or None.
    ``terms``: losses that only this network has, for the loop to add, each times its weight in ``weights`` (1 where
    none is given). ``logs``: detached scalars worth writing down. ``focus``: left, top and side in pixels of the square
    outside of which next to nothing changes, or None: perceptual losses look there alone.
    """

    image: Tensor
    alpha: Tensor | None = None
    terms: dict[str, Tensor] = field(default_factory=dict)
    weights: dict[str, float] = field(default_factory=dict)
    logs: dict[str, Tensor] = field(default_factory=dict)
    focus: tuple[int, int, int] | None = None

    @property
    def clamped(self) -> Tensor:
        """The image as float32 in [-1, 1], for saving and measuring (unclamped floats wrap around as bytes)."""
        return self.image.detach().float().clamp(-1, 1)

    @property
    def pictures(self) -> list[Image]:
        """The image as pictures (S, S, 3) in 0…255."""
        return list(to_bytes(self.image))

    @property
    def found(self) -> list[Image] | None:
        """``alpha`` as pictures (S, S) in 0…255."""
        return None if self.alpha is None else list(alpha_bytes(self.alpha))

    def sized(self, size_px: int) -> "Output":
        """Image and alpha at another size, by way of bytes; as they are, if they have that size."""
        if size_px == self.image.shape[-1]:
            return self
        image = to_floats([resize(picture, size_px) for picture in self.pictures])
        return replace(self, image=image, alpha=None if self.alpha is None else resized_alpha(self.alpha, size_px))

    def focused(self, picture: Tensor) -> Tensor:
        """What of a picture (B, C, S, S) lies in ``focus``."""
        if self.focus is None:
            return picture
        left, top, side = self.focus
        return picture[..., top : top + side, left : left + side]


class Sized(Config):
    """Base of every model's config."""

    size_px: int = 256
    """Side of the square picture in pixels: a power of two, at least 32."""

    @property
    def uses_identity(self) -> bool:
        """Whether the network looks at identity images; controls with other ones say nothing of one that does not."""
        return True


@runtime_checkable
class Fits(Protocol):
    """A network that learns statistics from training data instead of being trained."""

    def fit(self, batches: Iterable[Batch]) -> None:
        """Look once at the training data."""


@runtime_checkable
class Learns(Protocol):
    """A network in closed form: `train` makes it by one look at the training data, once and for all."""

    def learn(self, batches: Iterable[Batch]) -> dict[str, int]:
        """Learn from unmasked pictures; returns what was counted."""


class Plugin(Protocol):
    """The static type of a model plugin's module."""

    __name__: str
    USES_HOLE: bool
    TRAINS: bool
    RECIPE: Recipe
    Config: type[Sized]
    Network: type[nn.Module]

    @staticmethod
    def discriminator(config: Sized) -> nn.Module | None:
        """The discriminator that belongs to the network, if any."""


def plugin(name: str) -> Plugin:
    """The model plugin called ``name``, typed; `UserError` if there is none."""
    return cast(Plugin, load_plugin("model", name))
