"""Look at the validation split: the numbers that choose the best weights, and a picture for people."""

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from unveilify.core.batch import Batch, to_bytes
from unveilify.core.records import Image
from unveilify.models.contract import Recipe
from unveilify.models.layers.found import overlap
from unveilify.models.system import Predicts
from unveilify.training.losses import Judges, target

RISING = ("identity", "overlap")
"""Measures of which more is better, up to 1."""


@torch.no_grad()
def validate(system: Predicts, batches: Iterable[Batch], judges: Judges) -> dict[str, float]:
    """Means over the batches: ``l1`` and ``psnr`` in the hole, and ``lpips``, ``identity`` where live.

    ``l1`` is on [-1, 1]; ``psnr`` in dB (peak 2), of the mean squared error per sample; ``identity`` a cosine;
    ``overlap``, of a network that finds the mask, intersection over union.
    """
    sums: dict[str, list[Tensor]] = {}
    for batch in batches:
        output = system.predict(batch)
        image, truth = output.clamped, target(batch)
        hole = (batch.hole > 0).float()
        count = (3 * hole.sum(dim=(1, 2, 3))).clamp(min=1)
        error = (image - truth) * hole
        found = {
            "l1": error.abs().sum(dim=(1, 2, 3)) / count,
            "psnr": 10 * torch.log10(4 / (error.square().sum(dim=(1, 2, 3)) / count).clamp(min=1e-10)),
        }
        if judges.lpips is not None:
            found["lpips"] = judges.lpips(image, truth).flatten()
        if judges.recogniser is not None:
            found["identity"] = (judges.recogniser.embed(image) * judges.recogniser.embed(truth)).sum(1)
        if output.alpha is not None:
            found["overlap"] = overlap(output.alpha, batch.hole)
        for name, values in found.items():
            sums.setdefault(name, []).append(values.float().cpu())
    return {name: float(torch.cat(values).mean()) for name, values in sums.items()}


def cost(scores: dict[str, float], recipe: Recipe) -> float:
    """What the best weights are chosen by, lower is better; the hole's L1 where no asked-for judge is at hand."""
    parts = [1 - scores[name] if name in RISING else scores[name] for name in recipe.best_by if name in scores]
    return sum(parts) if parts else scores["l1"]


@torch.no_grad()
def grid(system: Predicts, batch: Batch) -> Image:
    """Rows of masked, identity image, output, truth; and of where the network finds the mask, if it says so."""
    output = system.predict(batch)
    shown = [batch.masked, batch.identity[:, 0], output.clamped, target(batch)]
    if output.alpha is not None:
        shown.append((2 * output.alpha - 1).expand_as(batch.masked))
    columns = [to_bytes(column) for column in shown]
    return np.vstack([np.hstack([column[i] for column in columns]) for i in range(len(batch))])
