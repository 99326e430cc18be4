"""Where a face lies, looked at again once there is one: under a mask its mesh is guessed, and the cloth sways the guess.

Where there is a photo of the person, the mask is taken off without it, the mesh of the result is found, and once more with
it: a chin and a mouth that are there hold the mesh better than cloth does. Nobody's chin does not. Where there is none the
cloth is given one colour, always the same, so that its own tells the mesh nothing.
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from unveilify.core import mesh
from unveilify.core.batch import Batch, to_bytes
from unveilify.core.landmark_rows import shares
from unveilify.core.records import Image
from unveilify.faces.backends.mediapipe import look_again
from unveilify.models.layers.hole import FOUND
from unveilify.models.system import NetworkSystem

LOOK_PX = 192
"""Side at which the face is taken to be for this: the mesh's network looks at less."""
CLOTH = (0.33, 0.57, 0.76)
"""The colour on [-1, 1]: the blue of surgical masks, which the mesh's network will have seen most."""
FAR = 0.04
"""Mean movement of what no mask hides, in shares of the side, beyond which it is another face that was found."""


def settled(batch: Batch, system: NetworkSystem) -> Batch:
    """The batch with better landmarks of the masked faces, if the system's network lays faces by their meshes.

    Samples whose mesh is not known, or that wear no mask, stay as they are.
    """
    points = batch.landmarks
    if not getattr(system.network, "lays_meshes", False) or points is None or points.shape[1:] != (mesh.POINTS, 3):
        return batch
    small = batch.sized(min(batch.size_px, LOOK_PX))
    looking = system.at(small.size_px)
    output = looking.predict(small.without_identity())
    if output.alpha is None:
        return batch
    masked = (output.alpha.amax((1, 2, 3)) > 0).to(small.real.device)
    known = small.real > 0
    small = _looked_again(small, _plain(small.masked, output.alpha), masked & ~known)
    if bool((masked & known).any()):
        small = _looked_again(small, output.pictures, masked & known)
        small = _looked_again(small, looking.predict(small).pictures, masked & known)
    return replace(batch, landmarks=small.landmarks)


def _plain(masked: Tensor, alpha: Tensor) -> Iterable[Image]:
    """Masked pictures (B, 3, S, S) in [-1, 1] whose masks (B, 1, S, S) are of one colour, (S, S, 3) each in bytes."""
    return to_bytes(torch.where(alpha.to(masked.device) > FOUND, masked.new_tensor(CLOTH)[:, None, None], masked))


def _looked_again(batch: Batch, pictures: Iterable[Image], which: Tensor) -> Batch:
    """The batch with the meshes of its pictures' likes (S, S, 3), where ``which`` says so and one is found near the last."""
    before = batch.landmarks
    assert before is not None
    rows = before.detach().cpu().numpy().copy()
    for row, picture, there in zip(rows, pictures, which.tolist(), strict=True):
        if there and np.isfinite(row).all():
            side = len(picture)
            found = shares(look_again(picture, row * side - np.array([0.5, 0.5, 0.0])), side)
            visible = mesh.surface().visible
            if np.linalg.norm((found - row)[visible, :2], axis=1).mean() < FAR:
                row[:] = found
    return replace(batch, landmarks=torch.from_numpy(rows).to(before))
