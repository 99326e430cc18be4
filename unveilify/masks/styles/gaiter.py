"""A neck gaiter: a stretchy tube from the nose down over the neck, full of rings and folds."""

from typing import Annotated

import numpy as np
from pydantic import Field

from unveilify.masks import fabric, sheet
from unveilify.masks.style import Chance, Colour, Cut, Shares, Sheet, Strap, StyleConfig, StyleParams, shares_of

COLOURS: dict[str, Colour] = {
    "black": (0.13, 0.13, 0.14),
    "grey": (0.42, 0.43, 0.45),
    "navy": (0.14, 0.18, 0.32),
    "olive": (0.36, 0.38, 0.26),
    "wine": (0.42, 0.12, 0.17),
}


class Config(StyleConfig):
    """How often each colour and a pattern are drawn."""

    colours: Annotated[Shares, shares_of(COLOURS)] = Field(
        {"black": 0.5, "grey": 0.2, "navy": 0.14, "olive": 0.1, "wine": 0.06}, description="relative shares"
    )
    patterned: Chance = Field(0.3, description="share with a pattern, 0…1")


class Params(StyleParams):
    """One gaiter."""

    pattern: str | None = None
    nose: float = Field(0.32, description="upper edge on the nose")
    ear: float = Field(0.45, description="upper edge at the side")
    low: float = Field(2.28, description="lower edge on the neck")
    rings: float = Field(5.0, description="how many rings the cloth makes on the neck")


def sample(rng: np.random.Generator, config: Config) -> Params:
    """Draw a gaiter nobody has seen before."""
    _, colour = sheet.pick_colour(rng, COLOURS, config.colours)
    return Params(
        colour=colour,
        pattern=str(rng.choice(fabric.PATTERNS)) if rng.random() < config.patterned else None,
        nose=sheet.draw_number(rng, 0.2, 0.08),
        ear=sheet.draw_number(rng, 0.48, 0.08),
        low=sheet.draw_between(rng, 2.1, 2.3),
        rings=sheet.draw_between(rng, 3, 7),
        seed=int(rng.integers(1 << 30)),
    )


def cut(params: Params) -> Cut:
    """All around: beyond both sides of face and neck."""
    nose, ear, low = params.nose, params.ear, params.low
    top = (
        (0.0, nose),
        (0.16, nose + 0.06),
        (0.42, nose + 0.19),
        (0.8, ear + 0.02),
        (1.04, ear + 0.05),
        (1.13, ear + 0.12),
    )
    bottom = ((0.0, low), (0.3, low), (0.6, low - 0.02), (0.85, low - 0.06), (1.0, low - 0.12))
    return Cut(top, bottom, roundness=1.3, puff=0.0, puff_at=0.3, lift=0.015, bow=-0.04, back=0.7, held=0.7)


def texture(params: Params, width: int, height: int) -> Sheet:
    """Jersey: rings on the neck, soft folds under the chin."""
    rng = np.random.default_rng(params.seed)
    u, v = sheet.coordinates(width, height)
    shape = (height, width)
    wobble = sheet.noise(rng, shape, (3, 4), 2)
    rings = np.sin(v * np.float32(params.rings * 2 * np.pi) + wobble * 2 + u * u * 2) * np.clip(v * 1.8 - 0.5, 0, 1)
    relief = sheet.noise(rng, shape, (2, 3), 2) * 0.012 + rings.astype(np.float32) * 0.04
    relief += fabric.creases(rng, width, height, int(rng.integers(6, 14)), 0.04)
    dark = sheet.noise(rng, shape, (50, 70), 2) * 0.02 + np.clip(-rings, 0, 1) * 0.12
    dark += sheet.line(v, 0.03, 0.008) * 0.12
    rgb = (
        params.colour
        if params.pattern is None
        else fabric.pattern(params.pattern, params.seed, width, height, params.colour)
    )
    return sheet.finish(rgb, shape, dark, sheet.frame(width, height, 0.012, 0.0), relief)


def straps(params: Params) -> tuple[Strap, ...]:
    """None."""
    return ()
