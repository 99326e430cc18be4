"""KN95: folded along the middle, welded keel, lettering on the cheek, sometimes a valve."""

from typing import Annotated

import numpy as np
from pydantic import Field

from unveilify.masks import fabric, sheet
from unveilify.masks.style import (
    EAR_LOOP,
    Chance,
    Colour,
    Cut,
    Shares,
    Sheet,
    Strap,
    StyleConfig,
    StyleParams,
    shares_of,
)

COLOURS: dict[str, Colour] = {
    "white": (0.92, 0.92, 0.93),
    "black": (0.14, 0.14, 0.15),
    "grey": (0.58, 0.59, 0.61),
    "blue": (0.62, 0.74, 0.86),
}
_TEXTS = ("KN95", "FFP2 NR", "GB2626-2019", "N95", "CE 2163", "PM 2.5")


class Config(StyleConfig):
    """How often each colour and a valve are drawn."""

    colours: Annotated[Shares, shares_of(COLOURS)] = Field(
        {"white": 0.72, "black": 0.16, "grey": 0.07, "blue": 0.05}, description="relative shares of the colours"
    )
    valve: Chance = Field(0.15, description="share of masks with a valve, 0…1")


class Params(StyleParams):
    """One KN95 mask."""

    side: float = Field(0.93, description="where the sides end, from the middle")
    nose: float = Field(0.14, description="upper edge on the nose")
    chin: float = Field(0.07, description="lower edge below the chin")
    tip: float = Field(0.42, description="height of the side ends")
    puff: float = Field(0.15, description="how far the keel stands out")
    text: str = ""
    valve_side: int = Field(0, description="-1 or 1: a valve on the picture's left or right cheek")
    rumple: float = 1.0


def sample(rng: np.random.Generator, config: Config) -> Params:
    """Draw a mask nobody has seen before."""
    _, colour = sheet.pick_colour(rng, COLOURS, config.colours)
    return Params(
        colour=colour,
        side=sheet.draw_number(rng, 0.99, 0.035),
        nose=sheet.draw_number(rng, 0.09, 0.06),
        chin=sheet.draw_between(rng, 0.03, 0.10),
        tip=sheet.draw_between(rng, 0.4, 0.65),
        puff=sheet.draw_between(rng, 0.08, 0.2),
        text=str(rng.choice(_TEXTS)) if rng.random() < 0.6 else "",
        valve_side=int(rng.choice([-1, 1])) if rng.random() < config.valve else 0,
        rumple=round(float(np.exp(rng.normal(0, 0.4))), 4),
        seed=int(rng.integers(1 << 30)),
    )


def cut(params: Params) -> Cut:
    """A tall pointed beak with a keel."""
    nose, side, chin = params.nose, params.side, 1.79 + params.chin
    up, low = 0.82 - params.tip / 2, 0.82 + params.tip / 2
    top = ((0.0, nose), (0.12, nose + 0.07), (0.34, nose + 0.22), (0.66, up - 0.06), (side, up))
    bottom = ((0.0, chin), (0.16, chin - 0.02), (0.38, chin - 0.13), (0.64, chin - 0.36), (side, low))
    return Cut(top, bottom, roundness=1.25, puff=params.puff, puff_at=0.5)


def texture(params: Params, width: int, height: int) -> Sheet:
    """A welded keel, embossed rims, lettering."""
    rng = np.random.default_rng(params.seed)
    u, v = sheet.coordinates(width, height)
    shape = (height, width)
    aspect = height / width
    relief = sheet.noise(rng, shape, (2, 4), 3) * 0.010
    relief += fabric.creases(rng, width, height, int(rng.integers(3, 10)), 0.03 * params.rumple)
    dark = sheet.noise(rng, shape, (20, 36), 2) * 0.010
    keel = np.abs(u) + 0 * v
    relief += sheet.line(keel, 0.0, 0.02) * 0.012
    dark += sheet.line(keel, 0.022, 0.008) * 0.13 - sheet.line(keel, 0.0, 0.010) * 0.04
    fine = np.float32(np.clip(width / 150 - 1, 0, 1))
    dark += sheet.line(keel, 0.012, 0.010) * np.clip(np.sin(v * 160), 0, 1) * 0.10 * fine
    rim = np.minimum(np.minimum(v, 1 - v) * 2 * aspect, 1 - np.abs(u))
    dark += (
        sheet.line(rim, 0.075, 0.009) * 0.12
        + sheet.line(rim, 0.05, 0.010) * np.clip(np.sin(u * 120 + v * 90), 0, 1) * 0.08 * fine
    )
    relief -= sheet.line(rim, 0.07, 0.02) * 0.006
    relief += sheet.line(v, 0.11, 0.022) * 0.014 * sheet.step(0.30 - np.abs(u), 0.0, 0.08)
    rgb = np.broadcast_to(np.array(params.colour, np.float32), (*shape, 3)).astype(np.float32)
    if params.text:
        where = (float(rng.choice([-0.5, 0.5])), float(rng.uniform(0.5, 0.7)))
        ink = fabric.letters(width, height, params.text, where, float(rng.uniform(0.05, 0.08)), float(rng.normal(0, 6)))
        tone = 0.25 if max(params.colour) > 0.4 else 0.6
        rgb = sheet.paint(rgb, (tone, tone, tone), ink * np.float32(rng.uniform(0.3, 0.9)))
    if params.valve_side:
        cover, dome, slits = fabric.valve(width, height, (0.42 * params.valve_side, 0.55), 0.2, aspect)
        rgb = sheet.paint(rgb, (0.86, 0.86, 0.87) if rng.random() < 0.6 else (0.3, 0.3, 0.32), cover)
        relief = relief * (1 - cover) + dome * 0.12
        dark = dark * (1 - cover) + slits * cover * 0.35
    return sheet.finish(rgb, shape, dark, sheet.frame(width, height, 0.015, 0.04), relief)


def straps(params: Params) -> tuple[Strap, ...]:
    """Flat elastic, white unless the mask is dark."""
    tone = params.colour if max(params.colour) < 0.4 else (0.9, 0.9, 0.9)
    return (Strap(((0.12, *EAR_LOOP[0][1:]), (0.88, *EAR_LOOP[1][1:])), 0.05, tone),)
