"""What a metric is.

A metric is one module of this room whose file name is its public name. It defines a class ``Metric`` that is
built with the torch device to use (``Metric("cpu")``) and has the methods of the protocol `Metric` below.
Nothing is registered: a new file shows up as new columns of the table.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import is_not
from typing import Generic, Literal, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from unveilify.core.records import Image

Region = Literal["image", "hole"]
Picture = Literal["raw", "composited"]
PICTURES: tuple[Picture, ...] = ("raw", "composited")
Better = Literal["higher", "lower", "neither"]
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Comparison:
    """One output beside everything that it can be judged by; all pictures (S, S, 3) RGB, 0…255.

    ``output`` is what the network gives, rounded and clamped to bytes; ``composited`` is `composite` of it.
    ``hole`` (S, S) is true where the mask added anything. ``others`` are photos of the person that the network
    was not given, the target not among them; ``given`` the identity images that it was given. ``alpha`` (S, S) is the
    mask's own, ``found`` what the network took for it, where it says so; both 0…255.
    """

    truth: Image
    masked: Image
    output: Image
    composited: Image
    hole: npt.NDArray[np.bool_]
    others: tuple[Image, ...] = ()
    given: tuple[Image, ...] = ()
    alpha: Image | None = None
    found: Image | None = None

    def picture(self, which: Picture) -> Image:
        """The raw or the composited output."""
        return self.output if which == "raw" else self.composited


def composite(output: Image, masked: Image, hole: npt.NDArray[np.bool_]) -> Image:
    """The output inside the hole and the masked input outside it.

    The edge is hard on purpose: the masked input still holds a share of the mask wherever alpha is above 0,
    so that a soft blend would paint the mask's rim and shadow back in and even the truth would not score as
    the truth.
    """
    return np.where(hole[..., None], output, masked)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the table: what was measured, where, on which picture, and which direction is better.

    ``neither`` is for values that only explain others, such as the likeness to the photo that was given.
    """

    name: str
    better: Better
    region: Region
    picture: Picture
    unit: str = ""
    digits: int = 3

    @property
    def key(self) -> str:
        """Machine name: ``lpips_squeeze_hole_composited``."""
        words = "".join(c if c.isalnum() else " " for c in f"{self.name} {self.region} {self.picture}".lower())
        return "_".join(words.split())

    @property
    def title(self) -> str:
        """Name for people: ``PSNR hole, composited``; the unit is apart."""
        where = " hole" if self.region == "hole" else ""
        return f"{self.name}{where}{', composited' if self.picture == 'composited' else ''}"


class OfTruths(Generic[Value]):
    """What a metric computes of a batch's truths alone, kept until the next batch: several systems are judged on one."""

    def __init__(self, make: Callable[[Sequence[Image]], Value]) -> None:
        self._make = make
        self._last: tuple[list[Image], Value] | None = None

    def of(self, batch: Sequence[Comparison]) -> Value:
        """The value of these truths; computed anew unless they are the very same pictures as the last time."""
        truths = [c.truth for c in batch]
        if self._last is None or len(truths) != len(self._last[0]) or any(map(is_not, truths, self._last[0])):
            self._last = (truths, self._make(truths))
        return self._last[1]


class Metric(Protocol):
    """Scores outputs; NaN where there is nothing to score (no hole, no other photo of the person)."""

    def columns(self) -> list[Column]:
        """The columns, in the order of the table; judges are named in them."""

    def unavailable(self) -> str | None:
        """Why nothing can be measured here (one sentence, with what to do), or None."""

    def measure(self, batch: Sequence[Comparison]) -> list[dict[str, float]]:
        """For each comparison the value of every column, by `Column.key`."""
