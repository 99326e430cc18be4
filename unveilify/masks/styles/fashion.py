"""The black fashion mask: one piece of stretchy foam whose sides are the ear loops, with a seam down the middle."""

from typing import Annotated

import numpy as np
from pydantic import Field

from unveilify.masks import fabric, sheet
from unveilify.masks.style import Colour, Cut, Shares, Sheet, Strap, StyleConfig, StyleParams, shares_of

COLOURS: dict[str, Colour] = {
    "black": (0.15, 0.15, 0.16),
    "grey": (0.37, 0.38, 0.42),
    "navy": (0.22, 0.30, 0.42),
    "white": (0.88, 0.88, 0.90),
    "pink": (0.88, 0.70, 0.72),
    "brown": (0.36, 0.29, 0.25),
}


class Config(StyleConfig):
    """How often each colour is drawn."""

    colours: Annotated[Shares, shares_of(COLOURS)] = Field(
        {"black": 0.42, "grey": 0.16, "navy": 0.24, "white": 0.1, "pink": 0.05, "brown": 0.03},
        description="relative shares of the colours",
    )


class Params(StyleParams):
    """One fashion mask."""

    nose: float = Field(0.3, description="upper edge on the nose")
    cheek: float = Field(0.52, description="upper edge on the cheek")
    chin: float = Field(0.05, description="lower edge below the chin")
    jaw: float = Field(1.0, description="where the lower edge meets the hole's height at the side")
    hole: float = Field(0.16, description="half the width of the hole for the ear, as a share of half the mask")
    hole_height: float = Field(0.27, description="half the height of the hole, as a share of the mask")
    two_tone: float = Field(0.0, description="how much darker one half is")


def sample(rng: np.random.Generator, config: Config) -> Params:
    """Draw a mask nobody has seen before."""
    _, colour = sheet.pick_colour(rng, COLOURS, config.colours)
    return Params(
        colour=colour,
        nose=sheet.draw_number(rng, 0.17, 0.07),
        cheek=sheet.draw_number(rng, 0.3, 0.06),
        chin=sheet.draw_between(rng, 0.0, 0.08),
        jaw=sheet.draw_number(rng, 1.02, 0.05),
        hole=sheet.draw_between(rng, 0.11, 0.2),
        hole_height=sheet.draw_between(rng, 0.22, 0.32),
        two_tone=sheet.draw_between(rng, -0.12, 0.12),
        seed=int(rng.integers(1 << 30)),
    )


def cut(params: Params) -> Cut:
    """Close to the face, from ear to ear."""
    nose, cheek, chin = params.nose, params.cheek, 1.79 + params.chin
    top = (
        (0.0, nose),
        (0.15, nose + 0.05),
        (0.38, cheek - 0.02),
        (0.72, cheek),
        (0.98, cheek - 0.12),
        (1.13, cheek - 0.3),
    )
    bottom = (
        (0.0, chin),
        (0.2, chin - 0.02),
        (0.42, chin - 0.11),
        (0.68, chin - 0.27),
        (0.93, params.jaw + 0.2),
        (1.06, params.jaw - 0.18),
    )
    return Cut(top, bottom, roundness=1.2, puff=0.07, puff_at=0.42, lift=0.015, back=0.3)


def texture(params: Params, width: int, height: int) -> Sheet:
    """Smooth foam, a seam, long soft folds; holes for the ears."""
    rng = np.random.default_rng(params.seed)
    u, v = sheet.coordinates(width, height)
    shape = (height, width)
    flat = np.zeros(shape, np.float32)
    relief = sheet.noise(rng, shape, (2, 3), 2) * 0.010
    relief += fabric.creases(rng, width, height, int(rng.integers(2, 7)), 0.026)
    dark = sheet.noise(rng, shape, (50, 80), 2) * 0.02
    middle = u + flat
    relief += sheet.line(middle, 0.0, 0.012) * 0.010
    dark += sheet.line(middle, 0.0, 0.006) * 0.25 + sheet.step(middle, 0.0, 0.01) * np.float32(params.two_tone)
    at = 0.945
    x = (np.abs(u) - np.float32(at)) / np.float32(params.hole)
    y = (v - 0.5) / np.float32(params.hole_height)
    away = np.sqrt(x * x + y * y)
    hole = sheet.step(away, 1.0, 4.0 / width / params.hole)
    dark += sheet.line(away, 1.08, 0.06) * 0.12
    relief += sheet.line(away, 1.15, 0.15) * 0.004
    alpha = sheet.frame(width, height, 0.012, 0.04) * hole
    return sheet.finish(params.colour, shape, dark, alpha, relief)


def straps(params: Params) -> tuple[Strap, ...]:
    """None: the sides are the loops."""
    return ()
