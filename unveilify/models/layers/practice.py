"""What a batch is changed into for training, so that a network meets what it will meet: few photos, wrong ones, other meshes."""

from dataclasses import replace

import torch

from unveilify.models.contract import Batch
from unveilify.models.together import rows

NEARER = 0.7
"""Most of the error of a mesh under a mask that a second look takes away."""


def other_references(batch: Batch, dropout: float, wrong: float) -> Batch:
    """Some samples without any reference, some with few, and some with a stranger's."""
    chance = rows(lambda count: torch.rand(count, 3), len(batch)).T.to(batch.real.device)
    some = 1 + (chance[0] * batch.real).long().clamp(max=batch.real - 1)
    real = torch.where((chance[1] < dropout) | (batch.real == 0), 0, some)
    batch = replace(batch, real=real)
    strange = batch.with_strangers()
    swap = chance[2] < wrong
    points = batch.identity_landmarks
    if points is not None and strange.identity_landmarks is not None:
        points = torch.where(swap[:, None, None, None], strange.identity_landmarks, points)
    return replace(
        batch,
        identity=torch.where(swap[:, None, None, None, None], strange.identity, batch.identity),
        identity_landmarks=points,
        real=torch.where(swap, strange.real, batch.real),
    )


def nearer(batch: Batch) -> Batch:
    """Meshes of masked faces moved towards the true ones by a share up to `NEARER`, as looking again finds them."""
    found, true = batch.landmarks, batch.unmasked_landmarks
    if found is None or true is None or found.shape != true.shape:
        return batch
    share = rows(lambda count: NEARER * torch.rand(count, 1, 1), len(batch)).to(found.device)
    moved = found + share * (true - found)
    return replace(batch, landmarks=torch.where(torch.isfinite(moved), moved, found))
