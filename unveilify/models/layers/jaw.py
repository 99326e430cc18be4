"""Where a jaw is under a mask: predicted from the part of the mesh that no mask hides.

Under cloth a mesh network imagines a short face, and the cloth's colour sways what it imagines. The points above the cloth
know better: ridge regression on their principal components, in the frame of the mean face.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from unveilify.core import mesh
from unveilify.models.layers.placing import known

COMPONENTS = 60
RIDGE = 1.0
"""Penalty in squared interocular distances, over all faces that are learned from."""

SAME = 0.15
"""Mean distance of what no mask hides, in interocular distances, beyond which two meshes are of two faces, or one of none."""

Array = npt.NDArray[np.float64]


class Jaw(nn.Module):
    """``centre`` (3 V,) and ``basis`` (3 V, C) of the V points that no mask hides; ``slope`` (C, 3 L) and ``offset`` (3 L,) of
    the other L; in interocular distances."""

    centre: Tensor
    basis: Tensor
    slope: Tensor
    offset: Tensor

    def __init__(self) -> None:
        super().__init__()
        face = mesh.surface()
        self.register_buffer("centre", torch.from_numpy(face.mean[face.visible].ravel()).float())
        self.register_buffer("basis", torch.zeros(3 * len(face.visible), COMPONENTS))
        self.register_buffer("slope", torch.zeros(COMPONENTS, 3 * len(face.hidden)))
        self.register_buffer("offset", torch.from_numpy(face.mean[face.hidden].ravel()).float())

    @torch.no_grad()
    def forward(self, landmarks: Tensor) -> Tensor:
        """Meshes (B, 468, 3) found under masks, with the predicted lower face; a mesh that is not known stays so."""
        face = mesh.surface()
        centre, basis, slope, offset = (x.double().cpu().numpy() for x in self.buffers())
        rows = landmarks.double().cpu().numpy().copy()
        for points, is_known in zip(rows, known(landmarks), strict=True):
            if is_known:
                there = mesh.rigid(face.mean, points)
                seen = there.undone(points[face.visible]).ravel()
                lower = (seen - centre) @ basis @ slope + offset
                points[face.hidden] = there(lower.reshape(-1, 3))
        return torch.from_numpy(rows).to(landmarks)

    def fit(self, pairs: Sequence[tuple[Array, Array]]) -> None:
        """Learn from the true meshes of faces and those found under masks, each (468, 3)."""
        face = mesh.surface()
        seen, lower = [], []
        for true, found in pairs:
            there = mesh.rigid(face.mean, found)
            seen.append(there.undone(found[face.visible]).ravel())
            lower.append(there.undone(true[face.hidden]).ravel())
        x, y = np.array(seen), np.array(lower)
        centre, offset = x.mean(0), y.mean(0)
        basis = np.linalg.svd(x - centre, full_matrices=False)[2][:COMPONENTS].T
        parts = (x - centre) @ basis
        slope = np.linalg.solve(parts.T @ parts + RIDGE * np.eye(basis.shape[1]), parts.T @ (y - offset))
        count = basis.shape[1]
        self.centre.copy_(torch.from_numpy(centre))
        self.offset.copy_(torch.from_numpy(offset))
        self.basis[:, :count].copy_(torch.from_numpy(basis))
        self.slope[:count].copy_(torch.from_numpy(slope))


def known_pairs(true: Tensor, found: Tensor) -> list[tuple[Array, Array]]:
    """The meshes (B, 468, 3) of which both are known and of the same face, one by one.

    The others, a tenth, made every jaw too wide.
    """
    pairs = zip(true.double().cpu().numpy(), found.double().cpu().numpy(), known(true) & known(found), strict=True)
    return [(a, b) for a, b, both in pairs if both and _apart(a, b) < SAME]


def _apart(a: Array, b: Array) -> float:
    """Mean distance on the picture of what no mask hides of two meshes (468, 3), in interocular distances."""
    visible = mesh.surface().visible
    between = np.linalg.norm(a[[33, 133], :2].mean(0) - a[[263, 362], :2].mean(0))
    return float(np.linalg.norm((a - b)[visible, :2], axis=1).mean() / max(float(between), 1e-9))
