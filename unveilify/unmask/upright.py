"""Which way up a masked face stands, told from what the mask finder sees in it.

The finder has only been shown upright faces, and its trunk knows them: a linear layer on its two coarsest features says
whether a face crop is upright. `benchmarks/upright.py` computes it, by logistic regression.
"""

from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from unveilify.core.batch import to_floats
from unveilify.core.found import Floats
from unveilify.core.records import Image
from unveilify.models.zoo.find import Network

FILE = "upright.npz"
LEVELS, CELLS = 2, 2
"""The features: the means of the trunk's coarsest levels over a square of so many cells."""


@torch.no_grad()
def features(crops: Sequence[Image], finder: Network) -> Floats:
    """What the finder sees in face crops (S, S, 3) of one side, masked or not: (N, 704)."""
    return _coarse(finder.seen(_pictures(crops, finder)))


@torch.no_grad()
def look(crop: Image, finder: Network) -> tuple[Floats, float]:
    """Where the mask is in a face crop (S, S, 3), as alpha (S, S), and the logarithm of the odds that the face stands
    upright: above 0 if it rather does."""
    picture = _pictures([crop], finder)
    seen = finder.seen(picture)
    alpha = finder.sharpened(finder.said(seen), picture)[0, 0].float().cpu().numpy()
    weights, bias = _layer()
    return alpha, float(_coarse(seen)[0] @ weights + bias)


def _pictures(crops: Sequence[Image], finder: Network) -> torch.Tensor:
    return to_floats(crops).to(next(finder.parameters()).device)


def _coarse(seen: list[torch.Tensor]) -> Floats:
    cells = [F.adaptive_avg_pool2d(level.float(), CELLS).flatten(1) for level in seen[: -LEVELS - 1 : -1]]
    return np.asarray(torch.cat(cells, 1).cpu().numpy(), np.float32)


@lru_cache(maxsize=1)
def _layer() -> tuple[npt.NDArray[np.float32], float]:
    with files("unveilify.unmask").joinpath(FILE).open("rb") as file:
        stored = np.load(file, allow_pickle=False)
        return stored["weights"], float(stored["bias"])
