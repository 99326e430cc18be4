"""Would a face recogniser still take the output for the person? Verification against photos not given."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]

FAR = 1e-3


@dataclass(frozen=True, slots=True)
class Verification:
    """Area under the ROC curve, and the share of genuine pairs accepted where `FAR` of the impostors are.

    ``genuine`` and ``impostor`` count the pairs. With fewer than ``1 / FAR`` impostor pairs ``tar`` is NaN: no
    threshold can be set.
    """

    auc: float
    tar: float
    genuine: int
    impostor: int


def verify(outputs: Vectors, people: Sequence[str], photos: Sequence[Vectors]) -> Verification:
    """Compare every output (N, D) with its person's own ``photos[n]`` (M, D) and with all of other people's.

    ``photos[n]`` are those that the network was not given for output n. Vectors have unit length.
    """
    names = np.asarray(people)
    pool = np.concatenate(photos) if photos else np.zeros((0, outputs.shape[1]), np.float32)
    owners = np.repeat(names, [len(p) for p in photos])
    pool, keep = np.unique(pool, axis=0, return_index=True)
    owners = owners[keep]
    genuine = np.concatenate([p @ v for p, v in zip(photos, outputs, strict=True)] or [np.zeros(0)])
    impostor = (outputs @ pool.T)[names[:, None] != owners[None, :]]
    return score(genuine, impostor)


def score(genuine: npt.NDArray[np.floating], impostor: npt.NDArray[np.floating]) -> Verification:
    """AUC (the Mann-Whitney probability, ties count half) and the true accept rate at `FAR`."""
    auc = tar = float("nan")
    if len(genuine) and len(impostor):
        order = np.sort(impostor)
        below = np.searchsorted(order, genuine, "left") + np.searchsorted(order, genuine, "right")
        auc = float(below.mean() / (2 * len(order)))
        if len(order) >= 1 / FAR:
            threshold = order[len(order) - 1 - int(FAR * len(order))]
            tar = float((genuine > threshold).mean())
    return Verification(auc, tar, len(genuine), len(impostor))
