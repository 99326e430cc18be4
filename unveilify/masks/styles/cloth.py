"""The sewn cotton mask: woven threads, any pattern, a middle seam or pleats, stitched rims."""

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
    "white": (0.88, 0.87, 0.85),
    "black": (0.14, 0.14, 0.15),
    "grey": (0.45, 0.46, 0.48),
    "navy": (0.13, 0.17, 0.30),
    "red": (0.62, 0.13, 0.16),
    "olive": (0.38, 0.39, 0.26),
    "sand": (0.78, 0.70, 0.58),
    "teal": (0.20, 0.45, 0.48),
    "violet": (0.42, 0.32, 0.52),
}


class Config(StyleConfig):
    """How often each ground colour and a pattern are drawn."""

    colours: Annotated[Shares, shares_of(COLOURS)] = Field(
        {name: 0.25 if name in ("black", "white") else 0.08 for name in COLOURS},
        description="relative shares of the ground colours",
    )
    patterned: Chance = Field(0.45, description="share of masks with a pattern, 0…1")


class Params(StyleParams):
    """One cotton mask."""

    pattern: str | None = Field(None, description="one of `masks.fabric.PATTERNS`")
    seam: bool = Field(True, description="a middle seam; otherwise pleats")
    side: float = Field(0.92, description="where the sides end, from the middle")
    nose: float = Field(0.24, description="upper edge on the nose")
    chin: float = Field(0.06, description="lower edge below the chin")
    side_top: float = 0.55
    side_bottom: float = 1.1
    threads: float = Field(90, description="threads from side to side")
    elastic: Colour = (0.88, 0.88, 0.88)
    rumple: float = 1.0


def sample(rng: np.random.Generator, config: Config) -> Params:
    """Draw a mask nobody has seen before."""
    _, colour = sheet.pick_colour(rng, COLOURS, config.colours)
    dark = max(colour) < 0.5
    return Params(
        colour=colour,
        pattern=str(rng.choice(fabric.PATTERNS)) if rng.random() < config.patterned else None,
        seam=bool(rng.random() < 0.65),
        side=sheet.draw_number(rng, 1.0, 0.04),
        nose=sheet.draw_number(rng, 0.15, 0.07),
        chin=sheet.draw_between(rng, 0.02, 0.10),
        side_top=sheet.draw_number(rng, 0.35, 0.06),
        side_bottom=sheet.draw_number(rng, 1.2, 0.1),
        threads=sheet.draw_between(rng, 60, 140),
        elastic=(0.12, 0.12, 0.12) if dark or rng.random() < 0.3 else (0.88, 0.88, 0.88),
        rumple=round(float(np.exp(rng.normal(0, 0.4))), 4),
        seed=int(rng.integers(1 << 30)),
    )


def cut(params: Params) -> Cut:
    """Curved over the nose, pointed or square at the side."""
    nose, side, chin = params.nose, params.side, 1.79 + params.chin
    top = (
        (0.0, nose),
        (0.15, nose + 0.05),
        (0.38, nose + 0.22),
        (0.66, params.side_top - 0.04),
        (side, params.side_top),
    )
    bottom = (
        (0.0, chin),
        (0.2, chin - 0.01),
        (0.42, chin - 0.09),
        (0.66, chin - 0.24),
        (0.83, params.side_bottom + 0.16),
        (side - 0.06, params.side_bottom),
    )
    return Cut(top, bottom, roundness=1.5 if params.seam else 1.9, puff=0.05 if params.seam else 0.02, puff_at=0.42)


def texture(params: Params, width: int, height: int) -> Sheet:
    """Threads, folds, seams and stitches."""
    rng = np.random.default_rng(params.seed)
    u, v = sheet.coordinates(width, height)
    shape = (height, width)
    flat = np.zeros(shape, np.float32)
    relief = sheet.noise(rng, shape, (2, 3), 3) * 0.014
    relief += fabric.creases(rng, width, height, int(rng.integers(6, 16)), 0.042 * params.rumple)
    relief += fabric.gathers(rng, width, height, rng.uniform(2, 5), 0.024 * params.rumple)
    dark = (
        fabric.weave(width, height, params.threads, height / width) * 0.08 + sheet.noise(rng, shape, (40, 60), 2) * 0.02
    )
    if params.seam:
        middle = np.abs(u) + flat
        relief += sheet.line(middle, 0.0, 0.022) * 0.010
        dark += sheet.line(middle, 0.0, 0.006) * 0.22
    else:
        fold = sheet.noise(rng, shape, (2, 3), 2) * 0.02
        for k in range(2):
            behind = v - (0.38 + 0.27 * k) + fold
            relief += np.float32(0.03) * np.clip(behind / 0.15 + 1, 0, 1) * (1 - sheet.step(behind, 0.0, 0.03))
            dark += sheet.line(behind, 0.008, 0.012) * 0.25
    rim = np.minimum(np.minimum(v, 1 - v) * 2 * height / width, 1 - np.abs(u))
    relief += (1 - sheet.step(rim, 0.06, 0.02)) * 0.010
    dark += sheet.line(rim, 0.062, 0.008) * 0.12
    if width > 140:
        dark += fabric.stitches(rim, 0.05, u + v, 0.03, 0.007) * 0.15
    rgb = (
        params.colour
        if params.pattern is None
        else fabric.pattern(params.pattern, params.seed, width, height, params.colour)
    )
    return sheet.finish(rgb, shape, dark, sheet.frame(width, height, 0.018, 0.08), relief)


def straps(params: Params) -> tuple[Strap, ...]:
    """Elastic loops."""
    return (Strap(((0.08, *EAR_LOOP[0][1:]), (0.92, *EAR_LOOP[1][1:])), 0.04, params.elastic),)
