"""Choose a mask for a face: everything random happens here, from a seed and the sample's key alone."""

import hashlib

import numpy as np

from unveilify.core.config import build
from unveilify.core.errors import UserError
from unveilify.masks import wear
from unveilify.masks.config import MaskConfig
from unveilify.masks.recipe import Light, Recipe
from unveilify.masks.shares import pick
from unveilify.masks.style import find


def choose(config: MaskConfig, seed: int, key: str) -> Recipe:
    """The recipe for ``key``; the same three give the same recipe on every machine and in any order.

    Raises:
        UserError: a style, one of its options or a way of wearing does not exist, or the colour is no colour.
    """
    digest = hashlib.sha256(f"{seed}/{key}".encode()).digest()
    rng = np.random.default_rng(list(digest))
    name = pick(config.styles, rng)
    style = find(name)
    params = style.sample(rng, build(style.Config, config.options.get(name, {})))
    if config.color is not None:
        params = params.model_copy(update={"colour": _colour(config.color)})
    return Recipe(
        style=name,
        params=params.model_dump(mode="json"),
        wear=wear.sample(pick(config.wears, rng), rng),
        light=_light(config, rng),
        seed=int(rng.integers(1 << 30)),
    )


def check(config: MaskConfig) -> None:
    """Whether all that may be drawn can be: what is drawn once in a thousand photos is not to fail at the thousandth.

    Raises:
        UserError: as `choose`.
    """
    rng = np.random.default_rng(0)
    for name in {*config.styles, *config.options}:
        style = find(name)
        settings = build(style.Config, config.options.get(name, {}))
        if config.styles.get(name):
            style.sample(rng, settings)
    for name in config.wears:
        wear.sample(name, rng)
    if config.color is not None:
        _colour(config.color)


def _light(config: MaskConfig, rng: np.random.Generator) -> Light:
    return Light(
        shading=round(float(rng.uniform(0.8, 2.0)), 3),
        cast=round(float(np.clip(rng.normal(1, 0.15), 0.4, 1.5)), 3),
        gain=round(float(np.exp(rng.normal(0.03, 0.17))), 3),
        shadow=round(float(np.clip(config.shadow + rng.normal(0, 0.08), 0, 1)), 3),
        blur=round(float(np.exp(rng.normal(0, 0.10))), 3),
        grain=round(float(np.exp(rng.normal(0, 0.15))), 3),
    )


def _colour(text: str) -> tuple[float, float, float]:
    try:
        red, green, blue = bytes.fromhex(text.removeprefix("#"))
    except ValueError:
        raise UserError(f"The mask setting 'color' needs the form #rrggbb, not '{text}'.") from None
    return round(red / 255, 4), round(green / 255, 4), round(blue / 255, 4)
