"""Ways of wearing a mask: each is a distribution over `Wear`."""

from collections.abc import Callable

import numpy as np

from unveilify.core.errors import UserError
from unveilify.masks.recipe import Wear

Rng = np.random.Generator


def _proper(rng: Rng) -> dict[str, float]:
    return {}


def _under_nose(rng: Rng) -> dict[str, float]:
    return {"top": rng.uniform(0.5, 0.68), "bottom": rng.uniform(0.02, 0.14), "loose": abs(rng.normal(0, 0.02))}


def _chin(rng: Rng) -> dict[str, float]:
    return {"top": rng.uniform(1.02, 1.25), "bottom": rng.uniform(0.12, 0.32), "crumple": rng.uniform(0.02, 0.06)}


def _loose(rng: Rng) -> dict[str, float]:
    return {"loose": rng.uniform(0.05, 0.13), "top": rng.uniform(0.0, 0.12), "bottom": rng.uniform(0.02, 0.16)}


def _tilted(rng: Rng) -> dict[str, float]:
    return {"tilt": rng.choice([-1, 1]) * rng.uniform(0.06, 0.2), "slide": rng.normal(0, 0.05)}


def _one_ear(rng: Rng) -> dict[str, float]:
    side = int(rng.choice([-1, 1]))
    return {"free_ear": side, "tilt": side * rng.uniform(0.02, 0.12), "loose": rng.uniform(0.03, 0.09)}


def _pulled(rng: Rng) -> dict[str, float]:
    return {"pulled": rng.uniform(0.08, 0.22), "top": rng.uniform(0.1, 0.35), "loose": rng.uniform(0.02, 0.07)}


def _crumpled(rng: Rng) -> dict[str, float]:
    return {"crumple": rng.uniform(0.04, 0.09), "loose": rng.uniform(0.0, 0.04)}


_WAYS: dict[str, Callable[[Rng], dict[str, float]]] = {
    "proper": _proper,
    "under_nose": _under_nose,
    "chin": _chin,
    "loose": _loose,
    "tilted": _tilted,
    "one_ear": _one_ear,
    "pulled": _pulled,
    "crumpled": _crumpled,
}
NAMES = tuple(_WAYS)


def sample(name: str, rng: Rng) -> Wear:
    """Draw how a mask sits; even a proper one has a little disorder of its own.

    Raises:
        UserError: there is no such way.
    """
    if name not in _WAYS:
        raise UserError(f"There is no way of wearing called '{name}'; there are: {', '.join(NAMES)}.")
    amounts = {
        "top": rng.normal(-0.02, 0.035),
        "bottom": abs(rng.normal(0, 0.015)),
        "slide": rng.normal(0, 0.02),
        "tilt": rng.normal(0, 0.02),
        "width": rng.normal(1.05, 0.02),
        "loose": abs(rng.normal(0, 0.01)),
        "crumple": max(0.0, rng.normal(0, 0.012) - 0.006),
    }
    for key, value in _WAYS[name](rng).items():
        amounts[key] = amounts.get(key, 0.0) + value
    free_ear = int(amounts.pop("free_ear", 0))
    return Wear(name=name, free_ear=free_ear, **{key: round(float(value), 4) for key, value in amounts.items()})
