"""KF94: the Korean boat-shaped mask of three panels, folded flat when new."""

from typing import Annotated

import numpy as np
from pydantic import Field

from unveilify.masks import fabric, sheet
from unveilify.masks.style import EAR_LOOP, Colour, Cut, Shares, Sheet, Strap, StyleConfig, StyleParams, shares_of

COLOURS: dict[str, Colour] = {
    "white": (0.92, 0.92, 0.93),
    "black": (0.12, 0.12, 0.13),
    "grey": (0.52, 0.53, 0.55),
    "beige": (0.84, 0.76, 0.68),
    "pink": (0.91, 0.76, 0.78),
}


class Config(StyleConfig):
    """How often each colour is drawn."""

    colours: Annotated[Shares, shares_of(COLOURS)] = Field(
        {"white": 0.66, "black": 0.2, "grey": 0.06, "beige": 0.04, "pink": 0.02},
        description="relative shares of white, black, grey, beige and pink",
    )


class Params(StyleParams):
    """One KF94 mask."""

    side: float = Field(0.98, description="where the sides end, from the middle")
    nose: float = Field(0.16, description="upper edge on the nose")
    chin: float = Field(0.07, description="lower edge below the chin")
    tip: float = Field(0.36, description="height of the side ends")
    upper_fold: float = Field(0.33, description="share of the mask's height")
    lower_fold: float = Field(0.68, description="share of the mask's height")
    puff: float = Field(0.1, description="how far the middle stands out")
    rumple: float = Field(1.0, description="depth of creases, 1 is common")
    mark: bool = Field(False, description="an embossed mark on the cheek")


def sample(rng: np.random.Generator, config: Config) -> Params:
    """Draw a mask nobody has seen before."""
    _, colour = sheet.pick_colour(rng, COLOURS, config.colours)
    return Params(
        colour=colour,
        side=sheet.draw_number(rng, 1.02, 0.03),
        nose=sheet.draw_number(rng, 0.1, 0.06),
        chin=sheet.draw_between(rng, 0.03, 0.10),
        tip=sheet.draw_between(rng, 0.36, 0.62),
        upper_fold=sheet.draw_number(rng, 0.33, 0.03),
        lower_fold=sheet.draw_number(rng, 0.68, 0.03),
        puff=sheet.draw_between(rng, 0.05, 0.16),
        rumple=round(float(np.exp(rng.normal(0, 0.4))), 4),
        mark=bool(rng.random() < 0.3),
        seed=int(rng.integers(1 << 30)),
    )


def cut(params: Params) -> Cut:
    """High in the middle, pointed at the sides."""
    nose, side, chin = params.nose, params.side, 1.79 + params.chin
    up, low = 0.84 - params.tip / 2, 0.84 + params.tip / 2
    top = ((0.0, nose), (0.15, nose + 0.05), (0.36, nose + 0.22), (0.68, up - 0.12), (side, up))
    bottom = (
        (0.0, chin),
        (0.2, chin - 0.01),
        (0.42, chin - 0.08),
        (0.66, chin - 0.27),
        (0.89, low + 0.16),
        (side, low),
    )
    return Cut(top, bottom, roundness=2.2, puff=params.puff, puff_at=0.5)


def texture(params: Params, width: int, height: int) -> Sheet:
    """Three panels with welded folds and rims; a nose wire shows through."""
    rng = np.random.default_rng(params.seed)
    u, v = sheet.coordinates(width, height)
    shape = (height, width)
    relief = sheet.noise(rng, shape, (2, 3), 3) * 0.012
    relief += fabric.creases(rng, width, height, int(rng.integers(4, 12)), 0.036 * params.rumple)
    relief += fabric.gathers(rng, width, height, rng.uniform(1.5, 3), 0.018 * params.rumple)
    dark = sheet.noise(rng, shape, (20, 36), 2) * 0.012
    for fold, direction in ((params.upper_fold, 1.0), (params.lower_fold, -1.0)):
        at = 0.5 + (fold - 0.5) * (1 - 0.55 * np.abs(u) ** 1.6) + np.float32(rng.normal(0, 0.008)) * u
        # the middle panel stands out like a bow; the outer ones fall away from its edges
        relief -= np.maximum(direction * (at - v), 0).astype(np.float32) * 0.16
        dark += sheet.line(v, at, 0.010) * 0.16 - sheet.line(v, at + direction * 0.022, 0.014) * 0.05
        relief += sheet.line(v, at, 0.014) * 0.010
    welds = np.clip(np.sin(u * 130), 0, 1) * (sheet.line(v, 0.04, 0.012) + sheet.line(1 - v, 0.03, 0.012))
    dark += (
        sheet.line(v, 0.06, 0.008) * 0.10
        + sheet.line(1 - v, 0.05, 0.008) * 0.10
        + sheet.line(np.abs(u), 0.93, 0.008) * 0.10
    )
    dark += welds * np.float32(0.08 * np.clip(width / 150 - 1, 0, 1))
    relief += sheet.line(v, 0.10, 0.025) * 0.014 * sheet.step(0.42 - np.abs(u), 0.0, 0.08)
    if params.mark:
        relief -= fabric.letters(width, height, "KF94", (0.6 * rng.choice([-1.0, 1.0]), 0.52), 0.07, 0.0) * 0.006
    return sheet.finish(params.colour, shape, dark, sheet.frame(width, height, 0.015, 0.03), relief)


def straps(params: Params) -> tuple[Strap, ...]:
    """Flat elastic of the mask's own colour."""
    red, green, blue = (0.97 * c for c in params.colour)
    return (Strap(((0.1, *EAR_LOOP[0][1:]), (0.9, *EAR_LOOP[1][1:])), 0.055, (red, green, blue)),)
