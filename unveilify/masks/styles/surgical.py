"""The pleated disposable mask: three layers of fleece, pleats, a nose wire, two elastic loops."""

from typing import Annotated

import numpy as np
from pydantic import Field

from unveilify.masks import fabric, sheet
from unveilify.masks.style import EAR_LOOP, Colour, Cut, Shares, Sheet, Strap, StyleConfig, StyleParams, shares_of

COLOURS: dict[str, Colour] = {
    "blue": (0.52, 0.79, 0.93),
    "white": (0.91, 0.92, 0.93),
    "green": (0.62, 0.82, 0.78),
    "black": (0.13, 0.13, 0.14),
    "pink": (0.92, 0.75, 0.79),
}


class Config(StyleConfig):
    """How often each colour is drawn."""

    colours: Annotated[Shares, shares_of((*COLOURS, "printed"))] = Field(
        {"blue": 0.4, "white": 0.34, "green": 0.06, "black": 0.14, "pink": 0.04, "printed": 0.04},
        description="relative shares of blue, white, green, black, pink and printed",
    )


class Params(StyleParams):
    """One surgical mask."""

    printed: str | None = Field(None, description="a pattern of `masks.fabric.PATTERNS`")
    pleats: int = Field(3, ge=0, le=6)
    opened: float = Field(0.7, description="how far the pleats are drawn apart in the middle, 0…1")
    side: float = Field(0.93, description="where the sides end, from the middle")
    nose: float = Field(0.26, description="upper edge on the nose")
    dip: float = Field(0.2, description="how much lower the upper edge lies beside the nose than on it")
    chin: float = Field(0.06, description="lower edge below the chin")
    side_top: float = 0.55
    side_bottom: float = 1.2
    rim: float = Field(0.05, description="height of the hems as a share of the mask")
    rumple: float = Field(1.0, description="depth of creases and gathers, 1 is common")


def sample(rng: np.random.Generator, config: Config) -> Params:
    """Draw a mask nobody has seen before."""
    name, colour = sheet.pick_colour(rng, COLOURS, config.colours)
    return Params(
        colour=colour,
        printed=str(rng.choice(fabric.PATTERNS)) if name == "printed" else None,
        pleats=int(rng.choice([2, 3, 3, 3, 4])),
        opened=sheet.draw_between(rng, 0.2, 1.0),
        side=sheet.draw_number(rng, 1.01, 0.035),
        nose=sheet.draw_number(rng, 0.15, 0.07),
        dip=sheet.draw_between(rng, 0.08, 0.22),
        chin=sheet.draw_between(rng, 0.03, 0.09),
        side_top=sheet.draw_number(rng, 0.32, 0.07),
        side_bottom=sheet.draw_number(rng, 1.3, 0.08),
        rim=sheet.draw_between(rng, 0.035, 0.06),
        rumple=round(float(np.exp(rng.normal(0, 0.4))), 4),
        seed=int(rng.integers(1 << 30)),
    )


def cut(params: Params) -> Cut:
    """Wide and rectangular; the chin is wrapped."""
    nose, side, chin = params.nose, params.side, 1.79 + params.chin
    beside = nose + params.dip
    top = (
        (0.0, nose),
        (0.14, nose + 0.04),
        (0.36, beside),
        (0.66, 0.5 * (beside + params.side_top)),
        (side, params.side_top),
    )
    bottom = (
        (0.0, chin),
        (0.22, chin - 0.01),
        (0.42, chin - 0.07),
        (0.64, chin - 0.18),
        (0.82, params.side_bottom + 0.16),
        (side - 0.06, params.side_bottom),
    )
    return Cut(top, bottom, roundness=1.7, puff=0.03, puff_at=0.45, bow=-0.02)


def texture(params: Params, width: int, height: int) -> Sheet:
    """Pleats, hems, spot welds and fleece."""
    rng = np.random.default_rng(params.seed)
    u, v = sheet.coordinates(width, height)
    shape = (height, width)
    relief = sheet.noise(rng, shape, (2, 3), 2) * 0.010
    relief += fabric.creases(rng, width, height, int(rng.integers(7, 16)), 0.042 * params.rumple)
    relief += fabric.gathers(rng, width, height, rng.uniform(3, 6), 0.026 * params.rumple)
    dark = sheet.noise(rng, shape, (24, 40), 2) * 0.015
    fold = sheet.noise(rng, shape, (2, 3), 2) * 0.014
    tight = 1 - np.float32(0.5 * params.opened) * (1 - np.abs(u) ** 3)
    for k in range(params.pleats):
        at = (k + 1.1) / (params.pleats + 1.0)
        edge = 0.5 + (at - 0.5) * (0.72 + 0.28 * params.opened * (1 - u * u)) + fold + np.float32(rng.normal(0, 0.012))
        rows = fabric.span(float(edge.min()) - 0.17, float(edge.max()) + 0.06, height)  # beyond there is nothing of it
        behind = v[rows] - edge[rows]
        falls = np.clip(behind * np.float32(1 / 0.16) + 1, 0, 1)
        falls *= 1 - sheet.step(behind, 0.0, 0.03)
        relief[rows] += falls * (np.float32(0.05) * tight)
        dark[rows] += sheet.line(behind, 0.008, 0.012) * (np.float32(0.2) * tight)
        dark[rows] -= sheet.line(behind, -0.02, 0.018) * (np.float32(0.05) * tight)
    rim = params.rim
    hem = sheet.step(v, rim, 0.01) * sheet.step(1 - v, rim, 0.01)
    wire = sheet.line(v, rim * 1.9, rim * 0.5) * sheet.step(0.55 - np.abs(u), 0.0, 0.1)
    relief += (1 - hem) * 0.006 + wire * 0.016 + sheet.step(np.abs(u), 0.95, 0.012) * 0.010
    dark += (
        sheet.line(v, rim, 0.006) * 0.12
        + sheet.line(1 - v, rim, 0.006) * 0.12
        + sheet.line(np.abs(u), 0.945, 0.008) * 0.14
    )
    if width > 150:
        welds = sheet.line(v, rim * 0.55, rim * 0.2) + sheet.line(1 - v, rim * 0.55, rim * 0.2)
        dark += np.clip(np.sin(u * 150), 0, 1) * welds * np.float32(0.08 * min(width / 150 - 1, 1))
    rgb = (
        params.colour
        if params.printed is None
        else fabric.pattern(params.printed, params.seed, width, height, params.colour)
    )
    return sheet.finish(rgb, shape, dark, sheet.frame(width, height, 0.02, 0.05), relief)


def straps(params: Params) -> tuple[Strap, ...]:
    """Thin round elastic, nearly white whatever the mask's colour unless that is dark."""
    tone = params.colour if max(params.colour) < 0.4 else (0.88, 0.88, 0.88)
    return (Strap(EAR_LOOP, 0.04, tone),)
