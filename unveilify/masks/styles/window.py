"""A cloth mask with a transparent window over the mouth, as worn for lip reading; it glares and fogs."""

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

COLOURS: dict[str, Colour] = {"white": (0.9, 0.9, 0.9), "black": (0.13, 0.13, 0.14), "blue": (0.45, 0.62, 0.78)}


class Config(StyleConfig):
    """How often each colour and a fogged window are drawn."""

    colours: Annotated[Shares, shares_of(COLOURS)] = Field(
        {"white": 0.45, "black": 0.35, "blue": 0.2}, description="relative shares"
    )
    fogged: Chance = Field(0.4, description="share of fogged windows, 0…1")


class Params(StyleParams):
    """One window mask."""

    side: float = Field(0.92, description="where the sides end, from the middle")
    nose: float = Field(0.24, description="upper edge on the nose")
    chin: float = Field(0.06, description="lower edge below the chin")
    window: tuple[float, float] = Field((0.45, 0.22), description="half its width (of half the mask) and height")
    place: float = Field(0.54, description="its middle, 0 upper … 1 lower edge")
    clear: float = Field(0.12, description="how much of the face a clean window hides, 0…1")
    fog: float = Field(0.0, description="how densely it is fogged, 0…1")


def sample(rng: np.random.Generator, config: Config) -> Params:
    """Draw a mask nobody has seen before."""
    _, colour = sheet.pick_colour(rng, COLOURS, config.colours)
    return Params(
        colour=colour,
        side=sheet.draw_number(rng, 0.98, 0.03),
        nose=sheet.draw_number(rng, 0.18, 0.06),
        chin=sheet.draw_between(rng, 0.03, 0.09),
        window=(sheet.draw_between(rng, 0.34, 0.52), sheet.draw_between(rng, 0.17, 0.25)),
        place=sheet.draw_between(rng, 0.5, 0.58),
        clear=sheet.draw_between(rng, 0.08, 0.2),
        fog=sheet.draw_between(rng, 0.2, 0.8) if rng.random() < config.fogged else 0.0,
        seed=int(rng.integers(1 << 30)),
    )


def cut(params: Params) -> Cut:
    """As a surgical mask, stiffer in the middle."""
    nose, side, chin = params.nose, params.side, 1.79 + params.chin
    top = ((0.0, nose), (0.15, nose + 0.05), (0.38, nose + 0.22), (0.66, 0.42), (side, 0.46))
    bottom = (
        (0.0, chin),
        (0.2, chin - 0.01),
        (0.42, chin - 0.08),
        (0.64, chin - 0.25),
        (0.8, 1.3),
        (side - 0.06, 1.14),
    )
    return Cut(top, bottom, roundness=2.6, puff=0.06, puff_at=0.5)


def texture(params: Params, width: int, height: int) -> Sheet:
    """Cloth around a clear pane with streaks of glare, droplets of fog and a stitched rim."""
    rng = np.random.default_rng(params.seed)
    u, v = sheet.coordinates(width, height)
    shape = (height, width)
    x, y = np.abs(u) / np.float32(params.window[0]), np.abs(v - np.float32(params.place)) / np.float32(params.window[1])
    away = (x**4 + y**4) ** np.float32(0.25)
    pane = 1 - sheet.step(away, 1.0, 0.05)
    relief = (sheet.noise(rng, shape, (2, 3), 3) * 0.012 + fabric.creases(rng, width, height, 8, 0.02)) * (1 - pane)
    dark = sheet.noise(rng, shape, (40, 60), 2) * 0.02 + sheet.line(away, 1.06, 0.04) * 0.15
    if width > 140:
        dark += fabric.stitches(away, 1.14, u + v, 0.03, 0.02) * 0.15
    glare = np.zeros(shape, np.float32)
    for _ in range(int(rng.integers(2, 5))):
        slope, at = rng.normal(0, 0.5), rng.uniform(-0.5, 0.5)
        bent = u - np.float32(at) - np.float32(slope) * (v - np.float32(params.place))
        glare += sheet.line(
            bent + sheet.noise(rng, shape, (2, 2), 1) * 0.04, 0.0, rng.uniform(0.02, 0.07)
        ) * rng.uniform(0.2, 0.7)
    fog = np.float32(params.fog) * np.clip(0.8 + sheet.noise(rng, shape, (3, 4), 3) * 0.5 - away * 0.25, 0, 1)
    inside = np.clip(np.float32(params.clear) + glare * 0.5 + fog, 0, 0.95)
    rgb = np.broadcast_to(np.array(params.colour, np.float32), (*shape, 3)).astype(np.float32)
    rgb = sheet.paint(rgb, (0.86, 0.87, 0.88), pane)
    alpha = sheet.frame(width, height, 0.018, 0.08) * (1 - pane + pane * inside)
    return sheet.finish(rgb, shape, dark * (1 - pane), alpha, relief)


def straps(params: Params) -> tuple[Strap, ...]:
    """Elastic loops."""
    tone = params.colour if max(params.colour) < 0.4 else (0.88, 0.88, 0.88)
    return (Strap(EAR_LOOP, 0.04, tone),)
