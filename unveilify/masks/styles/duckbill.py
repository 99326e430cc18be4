"""The duckbill respirator: a flat pouch with a horizontal front edge and two head straps."""

from typing import Annotated

import numpy as np
from pydantic import Field

from unveilify.masks import fabric, sheet
from unveilify.masks.style import HEAD_STRAPS, Colour, Cut, Shares, Sheet, Strap, StyleConfig, StyleParams, shares_of

COLOURS: dict[str, Colour] = {"white": (0.92, 0.92, 0.92), "blue": (0.60, 0.76, 0.86), "orange": (0.90, 0.62, 0.35)}


class Config(StyleConfig):
    """How often each colour is drawn."""

    colours: Annotated[Shares, shares_of(COLOURS)] = Field(
        {"white": 0.7, "blue": 0.2, "orange": 0.1}, description="relative shares of the colours"
    )


class Params(StyleParams):
    """One duckbill mask."""

    side: float = Field(0.86, description="where the sides end, from the middle")
    nose: float = Field(0.22, description="upper edge on the nose")
    chin: float = Field(0.05, description="lower edge below the chin")
    bill: float = Field(0.32, description="how far the front edge stands out")
    fold: float = Field(0.6, description="where the front edge lies, 0 upper … 1 lower edge")


def sample(rng: np.random.Generator, config: Config) -> Params:
    """Draw a mask nobody has seen before."""
    _, colour = sheet.pick_colour(rng, COLOURS, config.colours)
    return Params(
        colour=colour,
        side=sheet.draw_number(rng, 0.9, 0.03),
        nose=sheet.draw_number(rng, 0.18, 0.05),
        chin=sheet.draw_between(rng, 0.02, 0.08),
        bill=sheet.draw_between(rng, 0.22, 0.42),
        fold=sheet.draw_between(rng, 0.52, 0.68),
        seed=int(rng.integers(1 << 30)),
    )


def cut(params: Params) -> Cut:
    """Broad above, tapering to the chin."""
    nose, side, chin = params.nose, params.side, 1.79 + params.chin
    top = ((0.0, nose), (0.14, nose + 0.06), (0.36, nose + 0.24), (0.62, 0.62), (side, 0.76))
    bottom = ((0.0, chin), (0.2, chin - 0.01), (0.38, chin - 0.07), (0.6, chin - 0.32), (side, 1.0))
    return Cut(top, bottom, roundness=3.2, puff=params.bill, puff_at=params.fold)


def texture(params: Params, width: int, height: int) -> Sheet:
    """Two panels that meet in a welded front edge."""
    rng = np.random.default_rng(params.seed)
    u, v = sheet.coordinates(width, height)
    shape = (height, width)
    relief = sheet.noise(rng, shape, (2, 3), 3) * 0.012 + fabric.creases(
        rng, width, height, int(rng.integers(4, 10)), 0.034
    )
    dark = sheet.noise(rng, shape, (24, 40), 2) * 0.015
    at = np.float32(params.fold) + 0.03 * u * u + sheet.noise(rng, shape, (2, 4), 1) * 0.008
    relief -= np.maximum(v - at, 0) * 0.30
    relief += sheet.line(v, at, 0.016) * 0.012
    dark += sheet.line(v, at + 0.02, 0.016) * 0.16 + np.clip(v - at, 0, 0.3) * 0.35
    slant = np.abs(u) - (0.90 - 0.1 * np.abs(v - at))
    dark += sheet.line(slant, 0.0, 0.012) * 0.14
    relief += sheet.line(v, 0.09, 0.022) * 0.014 * sheet.step(0.36 - np.abs(u), 0.0, 0.08)
    dark += sheet.line(v, 0.05, 0.008) * 0.10 + sheet.line(1 - v, 0.05, 0.008) * 0.10
    rgb = np.broadcast_to(np.array(params.colour, np.float32), (*shape, 3)).astype(np.float32)
    if rng.random() < 0.5:
        ink = fabric.letters(
            width, height, str(rng.choice(["N95", "FFP2", "FFP3"])), (0.0, params.fold - 0.14), 0.07, 0.0
        )
        rgb = sheet.paint(rgb, (0.3, 0.32, 0.4), ink * np.float32(rng.uniform(0.4, 0.9)))
    return sheet.finish(rgb, shape, dark, sheet.frame(width, height, 0.015, 0.10), relief)


def straps(params: Params) -> tuple[Strap, ...]:
    """Two bands around the head."""
    return (Strap(HEAD_STRAPS, 0.06, (0.88, 0.87, 0.84)),)
