"""A bandana tied behind the head: a printed square folded to a triangle over nose and neck."""

from typing import Annotated

import numpy as np
from pydantic import Field

from unveilify.masks import fabric, sheet
from unveilify.masks.style import Colour, Cut, Shares, Sheet, Strap, StyleConfig, StyleParams, shares_of

COLOURS: dict[str, Colour] = {
    "red": (0.66, 0.10, 0.13),
    "navy": (0.12, 0.17, 0.34),
    "black": (0.13, 0.13, 0.14),
    "white": (0.86, 0.85, 0.82),
    "green": (0.16, 0.36, 0.25),
}


class Config(StyleConfig):
    """How often each colour is drawn."""

    colours: Annotated[Shares, shares_of(COLOURS)] = Field(
        {"red": 0.3, "navy": 0.22, "black": 0.25, "white": 0.1, "green": 0.13}, description="relative shares"
    )


class Params(StyleParams):
    """One bandana."""

    pattern: str = "floral"
    nose: float = Field(0.28, description="upper edge on the nose")
    tip: float = Field(2.3, description="where the lower point hangs")
    fall: float = Field(0.0, description="how far the point hangs to the picture's right")


def sample(rng: np.random.Generator, config: Config) -> Params:
    """Draw a bandana nobody has seen before."""
    _, colour = sheet.pick_colour(rng, COLOURS, config.colours)
    return Params(
        colour=colour,
        pattern=str(rng.choice(["floral", "dots", "heather", "camouflage", "marble"])),
        nose=sheet.draw_number(rng, 0.18, 0.08),
        tip=sheet.draw_between(rng, 2.05, 2.35),
        fall=sheet.draw_number(rng, 0.0, 0.06),
        seed=int(rng.integers(1 << 30)),
    )


def cut(params: Params) -> Cut:
    """From ear to ear, down to a point on the neck."""
    nose, tip = params.nose, params.tip
    top = (
        (0.0, nose),
        (0.16, nose + 0.06),
        (0.42, nose + 0.2),
        (0.8, nose + 0.2),
        (1.04, nose + 0.18),
        (1.13, nose + 0.22),
    )
    bottom = ((0.0, tip), (0.16, tip - 0.05), (0.45, tip - 0.3), (0.75, 1.55), (0.98, 1.2), (1.06, 1.0), (1.12, 0.9))
    return Cut(top, bottom, roundness=1.3, puff=0.01, puff_at=0.4, lift=0.015, back=0.7, held=0.4)


def texture(params: Params, width: int, height: int) -> Sheet:
    """Thin cotton with deep folds and a print."""
    rng = np.random.default_rng(params.seed)
    u, v = sheet.coordinates(width, height)
    shape = (height, width)
    relief = sheet.noise(rng, shape, (2, 3), 3) * 0.02 + fabric.creases(
        rng, width, height, int(rng.integers(10, 22)), 0.045
    )
    relief += fabric.gathers(rng, width, height, rng.uniform(2, 4), 0.03)
    drape = np.sin(u * np.float32(rng.uniform(5, 9)) + sheet.noise(rng, shape, (2, 2), 1)) * v * v
    relief += drape.astype(np.float32) * 0.025
    dark = fabric.weave(width, height, 130, height / width) * 0.06 + sheet.noise(rng, shape, (30, 40), 2) * 0.02
    dark += sheet.line(v, 0.035, 0.008) * 0.15 + np.clip(-drape, 0, 1) * 0.12
    rgb = fabric.pattern(params.pattern, params.seed, width, height, params.colour)
    return sheet.finish(rgb, shape, dark, sheet.frame(width, height, 0.012, 0.02), relief)


def straps(params: Params) -> tuple[Strap, ...]:
    """None: it is knotted behind the head."""
    return ()
