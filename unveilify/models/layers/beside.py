"""What lies beside the face in the hole: first a rough picture of it, then what can be shown of it."""

import torch
from torch import Tensor

from unveilify.models.contract import Batch
from unveilify.models.layers.candidates import Source, alike, mesh_of, surroundings
from unveilify.models.layers.complete import STEPS, Steps, completed
from unveilify.models.layers.neck import neck
from unveilify.models.layers.placing import Window
from unveilify.models.layers.warp import gaussian

JAW = (slice(-40, -12), slice(80, -80))
"""Rows and columns of an unrolled face that show the jaw."""
ALIKE = 2.0
"""How like patches are to be to what was painted: more than to a rough guide."""
FINE, APART, ROUGH = 0.015, 0.3, 0.2
"""What is painted is as fine as this standard deviation, in sides; how far the colours of patches may lie from it, and how far
their lines, in the mean, on [-1, 1]."""
SURE = 12.0
"""How sharply what may be shown is told from what only says roughly what is there."""


def beside(
    batch: Batch, hole: Tensor, photos: list[Source], nobody: Source, face: Tensor, window: Window, steps: Steps = STEPS
) -> Tensor:
    """The photo (B, 3, S, S) with the hole filled as if there were no face in it, where ``face`` (B, 1, S, S) lies in front.

    What the best photo of the person shows near the face is shown, then a neck; the rest are patches of the photo itself,
    which are looked for in ``steps``.
    """
    masked = batch.masked.float()
    rough, near = surroundings(masked, hole, photos, window)
    rows, columns = JAW
    below = neck(masked, hole, mesh_of(batch.landmarks, batch), face, nobody.pictures[:, :, rows, columns].mean((2, 3)))
    known = torch.sigmoid(SURE * (near - 0.5)) * (near > 0.1)
    own = below.share * (1 - known)
    rough = rough + own * (below.picture - rough)
    shown = torch.maximum(own, known)
    filled = completed(masked, hole, rough, torch.maximum(face, (shown > 0.5).float()), steps)
    return filled + shown * hole * (rough - filled)


def textured(masked: Tensor, hole: Tensor, painted: Tensor, share: Tensor) -> Tensor:
    """What was ``painted`` (B, 3, S, S) beside the face, shown by patches of the photo itself that are like it: paint is not as
    fine as a photo. Where there are none, and under the face, whose ``share`` (B, 1, S, S) covers what is beside it, it stays.
    """
    photo, wide = masked.float(), FINE * masked.shape[-1]
    patches = completed(photo, hole, painted.clamp(-1, 1), (share > 0.5).float(), like=ALIKE)
    apart = patches - painted
    rough = gaussian(apart.abs().amax(1, keepdim=True), wide)
    # A net or a braid may have the colour of a neck: texture that is much stronger than the paint is another thing's.
    believed = alike(gaussian(apart, wide), APART) * torch.exp(-(rough / ROUGH).square())
    return painted + gaussian(believed, wide / 2) * (1 - share) * hole * apart
