"""Where a face lies, looked at again once there is one: under a mask its mesh is guessed, and the cloth sways the guess.

The mask is taken off without the person's photos, the mesh of the result is found, and once more with them: a chin and a
mouth that are there hold the mesh better than cloth does.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from unveilify.core import mesh
from unveilify.core.batch import Batch
from unveilify.core.landmark_rows import shares
from unveilify.core.records import Image
from unveilify.faces.backends.mediapipe import look_again
from unveilify.models.system import NetworkSystem

LOOK_PX = 192
"""Side at which the face is taken to be for this: the mesh's network looks at less."""
FAR = 0.04
"""Mean movement of what no mask hides, in shares of the side, beyond which it is another face that was found."""


def settled(batch: Batch, system: NetworkSystem) -> Batch:
    """The batch with better landmarks of the masked faces, if the system's network lays faces by their meshes.

    Samples without a photo of the person stay as they are (nobody's jaw holds a mesh no better than the mean does), and so
    do those whose mesh is not known or that wear no mask.
    """
    points = batch.landmarks
    if not getattr(system.network, "lays_meshes", False) or points is None or points.shape[1:] != (mesh.POINTS, 3):
        return batch
    known = batch.real > 0
    if not bool(known.any()):
        return batch
    small = batch.sized(min(batch.size_px, LOOK_PX))
    looking = system.at(small.size_px)
    for nobody in (True, False):
        output = looking.predict(small.without_identity() if nobody else small)
        there = known if output.alpha is None else known & (output.alpha.amax((1, 2, 3)) > 0).to(known.device)
        if not bool(there.any()):
            break
        small = replace(small, landmarks=_found(output.pictures, small.landmarks, there.tolist()))
    return replace(batch, landmarks=small.landmarks)


def _found(pictures: Sequence[Image], before: Tensor | None, looked_at: Sequence[bool]) -> Tensor:
    """The meshes (B, 468, 3) of the pictures (S, S, 3), near those from before."""
    assert before is not None
    rows = before.detach().cpu().numpy().copy()
    for row, picture, there in zip(rows, pictures, looked_at, strict=True):
        if there and np.isfinite(row).all():
            side = len(picture)
            found = shares(look_again(picture, row * side - np.array([0.5, 0.5, 0.0])), side)
            visible = mesh.surface().visible
            if np.linalg.norm((found - row)[visible, :2], axis=1).mean() < FAR:
                row[:] = found
    return torch.from_numpy(rows).to(before)
