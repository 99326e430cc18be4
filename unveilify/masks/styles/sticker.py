"""The flat mask of the rivals, as a control: one drawing, one homography, a hard edge, no light, no straps."""

import numpy as np

from unveilify.masks import sheet
from unveilify.masks.style import Colour, Cut, Sheet, Strap, StyleConfig


class Config(StyleConfig):
    """Nothing to choose."""


class Params(StyleConfig):
    """The one sticker."""

    colour: Colour = (0.55, 0.75, 0.88)


def sample(rng: np.random.Generator, config: Config) -> Params:
    """Always the same."""
    return Params()


def cut(params: Params) -> Cut:
    """Over nose, mouth and chin; flat."""
    top = ((0.0, 0.28), (0.25, 0.38), (0.6, 0.52), (0.95, 0.58))
    bottom = ((0.0, 1.85), (0.3, 1.83), (0.6, 1.68), (0.9, 1.2))
    return Cut(top, bottom, sticker=True)


def texture(params: Params, width: int, height: int) -> Sheet:
    """Three drawn pleats."""
    _, v = sheet.coordinates(width, height)
    shape = (height, width)
    flat = np.zeros(shape, np.float32)
    dark = flat + sheet.line(v, 0.3, 0.01) * 0.2 + sheet.line(v, 0.5, 0.01) * 0.2 + sheet.line(v, 0.7, 0.01) * 0.2
    return sheet.finish(params.colour, shape, dark, flat + 1, flat)


def straps(params: Params) -> tuple[Strap, ...]:
    """None, as with the rivals."""
    return ()
