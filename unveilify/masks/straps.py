"""Ear loops and head straps: ribbons in canonical space that run to the ears and end behind the head."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from unveilify.masks.recipe import Wear
from unveilify.masks.surface import Surface

Array = npt.NDArray[np.float64]
End = tuple[float, float, float]

RIBBON_POINTS = 16
_OUTLINE_X = 1.10


@dataclass(frozen=True, slots=True)
class Strap:
    """One kind of strap, drawn on both sides.

    ``ends``: for each strap of a side, where it leaves the mask (0 the upper corner … 1 the lower one) and the
    canonical (y, h) where it vanishes at or behind the ear. ``width`` in distances between the eyes; ``colour``
    sRGB 0…1.
    """

    ends: tuple[End, ...]
    width: float
    colour: tuple[float, float, float]


EAR_LOOP: tuple[End, ...] = ((0.04, 0.02, -1.0), (0.96, 0.62, -1.0))
"""Around the ear: the upper end goes over its root, the lower one under the lobe."""
HEAD_STRAPS: tuple[End, ...] = ((0.08, -0.25, -1.0), (0.92, 0.95, -1.05))
"""Around the head: above the ears, and under them to the neck."""


@dataclass(frozen=True, slots=True)
class Ribbon:
    """One strap: its middle line (N, 3) canonical, and how much of it shows at each point, 0…1."""

    strap: Strap
    line: Array
    shown: Array


def ribbons(strap: Strap, mask: Surface, wear: Wear) -> list[Ribbon]:
    """The strap's lines on both sides of a face."""
    found = []
    for side, column in ((-1, 0), (1, -1)):
        edge = mask.points[:, column]
        if side == wear.free_ear:
            found.append(Ribbon(strap, _hanging(edge, side), np.ones(RIBBON_POINTS)))
            continue
        t = np.linspace(0, 1, RIBBON_POINTS)
        shown = np.clip((1 - t) / 0.08, 0, 1)
        found += [Ribbon(strap, _to_ear(_on_side(edge, at), side, y, h), shown) for at, y, h in strap.ends]
    return found


def _on_side(edge: Array, at: float) -> Array:
    row = at * (len(edge) - 1)
    low = min(int(row), len(edge) - 2)
    return np.asarray(edge[low] + (row - low) * (edge[low + 1] - edge[low]))


def _to_ear(start: Array, side: int, y: float, h: float) -> Array:
    t = np.linspace(0, 1, RIBBON_POINTS)
    start = start - np.array([side * 0.03, 0.0, 0.0])  # begins under the mask's edge
    line = start + t[:, None] * (np.array([side * _OUTLINE_X, y, h]) - start)
    line[:, 0] += side * 0.04 * 4 * t * (1 - t)  # taut, but over the cheekbone
    return line


def _hanging(edge: Array, side: int) -> Array:
    """A loop that left its ear: it hangs from the two corners of the mask."""
    t = np.linspace(0, 1, RIBBON_POINTS)[:, None]
    line = edge[1] * (1 - t) + edge[-2] * t
    return np.asarray(line + 4 * t * (1 - t) * np.array([side * 0.2, 0.4, 0.06]))
