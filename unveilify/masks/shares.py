"""How often what is drawn: relative shares by name."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, Field

MOST = 1e9
"""No share is larger, so that they can be added up."""


def _some(shares: dict[str, float]) -> dict[str, float]:
    if not sum(shares.values()) > 0:
        raise ValueError("one share at least must be above zero")
    return shares


Share = Annotated[float, Field(ge=0, le=MOST)]
Shares = Annotated[dict[str, Share], AfterValidator(_some)]
"""The type of a setting with relative shares by name."""

Chance = Annotated[float, Field(ge=0, le=1)]
"""The type of a setting with a share of all masks."""


def shares_of(names: Iterable[str]) -> Any:
    """As `Shares`, of these names alone."""
    there = tuple(names)

    def known(shares: dict[str, float]) -> dict[str, float]:
        for name in shares.keys() - set(there):
            near = get_close_matches(name, there, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"there are: {', '.join(there)}"
            raise ValueError(f"there is no '{name}'; {hint}")
        return shares

    return AfterValidator(known)


def pick(shares: Mapping[str, float], rng: np.random.Generator) -> str:
    """One of the names, by its share."""
    weights = np.array(list(shares.values()), np.float64)
    return list(shares)[int(rng.choice(len(weights), p=weights / weights.sum()))]
