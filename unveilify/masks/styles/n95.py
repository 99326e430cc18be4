"""The moulded cup respirator: a stiff bowl, a metal nose clip, two straps around the head, sometimes a valve."""

from typing import Annotated

import numpy as np
from pydantic import Field

from unveilify.masks import fabric, sheet
from unveilify.masks.style import (
    HEAD_STRAPS,
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

COLOURS: dict[str, Colour] = {"white": (0.91, 0.91, 0.90), "teal": (0.45, 0.76, 0.76), "grey": (0.70, 0.71, 0.72)}


class Config(StyleConfig):
    """How often each colour and a valve are drawn."""

    colours: Annotated[Shares, shares_of(COLOURS)] = Field(
        {"white": 0.8, "teal": 0.12, "grey": 0.08}, description="relative shares of the colours"
    )
    valve: Chance = Field(0.3, description="share of masks with a valve, 0…1")


class Params(StyleParams):
    """One cup respirator."""

    side: float = Field(0.8, description="where the sides end, from the middle")
    nose: float = Field(0.2, description="upper edge on the nose")
    chin: float = Field(0.06, description="lower edge below the chin")
    puff: float = Field(0.28, description="how far the bowl stands out")
    ribs: int = Field(0, description="moulded ribs across")
    valved: bool = False
    strap: Colour = (0.85, 0.80, 0.55)


def sample(rng: np.random.Generator, config: Config) -> Params:
    """Draw a mask nobody has seen before."""
    _, colour = sheet.pick_colour(rng, COLOURS, config.colours)
    strap = [(0.87, 0.80, 0.52), (0.88, 0.88, 0.88), (0.75, 0.25, 0.22), (0.3, 0.45, 0.75)][int(rng.integers(4))]
    return Params(
        colour=colour,
        side=sheet.draw_number(rng, 0.84, 0.035),
        nose=sheet.draw_number(rng, 0.16, 0.05),
        chin=sheet.draw_between(rng, 0.02, 0.08),
        puff=sheet.draw_between(rng, 0.2, 0.36),
        ribs=int(rng.choice([0, 0, 2, 3, 4])),
        valved=bool(rng.random() < config.valve),
        strap=strap,
        seed=int(rng.integers(1 << 30)),
    )


def cut(params: Params) -> Cut:
    """A round bowl."""
    nose, side, chin = params.nose, params.side, 1.79 + params.chin
    top = ((0.0, nose), (0.16, nose + 0.06), (0.36, nose + 0.24), (0.6, 0.56), (side, 0.82))
    bottom = ((0.0, chin), (0.2, chin - 0.01), (0.4, chin - 0.09), (0.62, chin - 0.31), (side, 1.12))
    return Cut(top, bottom, roundness=2.4, puff=params.puff, puff_at=0.55, bow=0.02)


def texture(params: Params, width: int, height: int) -> Sheet:
    """Pressed fleece, ribs, a flat welded rim, a metal clip."""
    rng = np.random.default_rng(params.seed)
    u, v = sheet.coordinates(width, height)
    shape = (height, width)
    aspect = height / width
    relief = sheet.noise(rng, shape, (3, 4), 2) * 0.006
    dark = sheet.noise(rng, shape, (40, 60), 2) * 0.025
    for k in range(params.ribs):
        at = 0.32 + 0.46 * (k + 0.5) / params.ribs + 0.06 * u * u
        relief += sheet.line(v, at, 0.022) * 0.020 * sheet.step(0.72 - np.abs(u), 0.0, 0.2)
    x, y = np.abs(u), np.abs(v - 0.5) * 2
    rim = 1 - np.maximum(x, y) + 0 * x
    relief -= (1 - sheet.step(rim, 0.10, 0.03)) * 0.012
    dark += sheet.line(rim, 0.10, 0.012) * 0.12
    rgb = np.broadcast_to(np.array(params.colour, np.float32), (*shape, 3)).astype(np.float32)
    clip = sheet.step(0.34 - x, 0.0, 0.03) * sheet.line(v, 0.075, 0.028)
    rgb = sheet.paint(rgb, (0.72, 0.73, 0.75), np.clip(clip * 1.6, 0, 1))
    relief += clip * 0.012
    for corner in (-0.93, 0.93):
        for place in (0.25, 0.75):
            staple = sheet.line(u, corner, 0.018) * sheet.line(v, place, 0.012)
            rgb = sheet.paint(rgb, (0.5, 0.5, 0.52), staple * np.float32(0.8))
    if rng.random() < 0.5:
        ink = fabric.letters(width, height, str(rng.choice(["N95", "8210", "FFP2", "NIOSH"])), (0.0, 0.38), 0.07, 0.0)
        rgb = sheet.paint(rgb, (0.25, 0.3, 0.45), ink * np.float32(rng.uniform(0.4, 0.9)))
    if params.valved:
        cover, dome, slits = fabric.valve(width, height, (0.0, 0.56), 0.22, aspect)
        rgb = sheet.paint(rgb, (0.88, 0.87, 0.80) if rng.random() < 0.6 else (0.35, 0.36, 0.4), cover)
        relief = relief * (1 - cover) + dome * 0.12
        dark = dark * (1 - cover) + slits * cover * 0.35
    return sheet.finish(rgb, shape, dark, sheet.frame(width, height, 0.015, 0.30), relief)


def straps(params: Params) -> tuple[Strap, ...]:
    """Two flat bands around the head, above and below the ears."""
    return (Strap(HEAD_STRAPS, 0.06, params.strap),)
