"""A neck under the chin: of all that a mask hides beside the face it is the most, and patches of a wall do not make one.

Seen from any side a neck is a band as wide as a cylinder, around an axis that lies behind the face. Its colour is the jaw's,
darker in the shade of the head, in the light of what is seen of it. Nothing is learned.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from unveilify.core import mesh
from unveilify.models.layers.blank import blank
from unveilify.models.layers.candidates import alike
from unveilify.models.layers.placing import Points, known
from unveilify.models.layers.warp import gaussian, resize

SIDE = 96
"""Side at which it is drawn: it is smooth."""
TOP, AXIS = 1.2, 1.25
"""Where the axis begins below the eyes and how far it lies behind the tip of the chin, in interocular distances."""
HALF, FLARE = 0.7, 0.12
"""Half its width at the chin, and how much wider a distance below, in interocular distances."""
SOFT = 0.08
"""Width of its edge, in interocular distances."""
SHADE, WIDE = 0.55, 0.04
"""How much darker it is where all around is the head, and how far around is looked, as a standard deviation in sides."""
ROUND = 0.25
"""How much darker it is at its edges than in its middle."""
ANY_LIGHT, SAME = 0.6, 0.3
"""How far colours on [-1, 1] may lie from it to be a neck in another light, and how far from that light."""
LIGHT = 0.3
"""How far light may take its colours on [-1, 1]."""
CHIN, EDGE = 0.85, 0.35
"""How far down a neck is believed in that nothing tells of, in its middle and at its edges, in interocular distances."""


@dataclass(frozen=True, slots=True)
class Neck:
    """``picture`` (B, 3, S, S) and how far there is one (B, 1, S, S), 0…1."""

    picture: Tensor
    share: Tensor


def neck(masked: Tensor, hole: Tensor, landmarks: Tensor, face: Tensor, skin: Tensor) -> Neck:
    """The neck below the faces ``landmarks`` (B, 468, 3) of photos (B, 3, S, S), where ``face`` (B, 1, S, S) does not hide it.

    ``skin`` (B, 3) is the colour of the jaw. Where no mesh is known there is none.
    """
    side = min(SIDE, masked.shape[-1])
    photo, covered, head = (resize(x.float(), side) for x in (masked, hole, face))
    across, below = (x.to(photo) for x in _coordinates(landmarks, side))
    share = torch.sigmoid((HALF + FLARE * below.clamp(min=0) - across.abs()) / (SOFT / 4)) * torch.sigmoid(
        below / (SOFT / 4)
    )
    dark = 1 - SHADE * gaussian(head, WIDE * side) - ROUND * (across / HALF).clamp(-1, 1).pow(4)
    own = (skin[:, :, None, None] + 1) / 2 * dark * 2 - 1
    # What is seen of it says in which light it is, and whether it is covered.
    seen = share * (covered < 0.05) * (1 - head)
    there, apart = (seen > 0.3).float(), photo - own
    like = there * alike(apart, ANY_LIGHT)
    usual = (like * apart).sum((2, 3), keepdim=True) / like.sum((2, 3), keepdim=True).clamp(min=1)
    same = there * alike(apart - usual, SAME) * alike(usual, ANY_LIGHT)
    agreed = blank(same, 1 - there)
    light = blank(apart * same, 1 - there) / agreed.clamp(min=1e-3)
    deep = EDGE + (CHIN - EDGE) * (1 - (across / HALF).square()).clamp(min=0)
    believed = torch.maximum(torch.sigmoid((deep - below) / (SOFT / 2)), agreed)
    share = share * torch.sigmoid(12 * (believed - 0.5))
    back = masked.shape[-1]
    return Neck(
        resize((own + (2 * agreed).clamp(max=1) * light.clamp(-LIGHT, LIGHT)).clamp(-1, 1), back), resize(share, back)
    )


def _coordinates(landmarks: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """How far each pixel lies across from the axis, and below its beginning, in interocular distances: (B, 1, side, side)."""
    steps = (np.arange(side) + 0.5) / side
    pixels = np.stack(np.meshgrid(steps, steps), -1)
    across, below = np.full((2, len(landmarks), 1, side, side), -9.0)
    points: Points = landmarks.detach().cpu().double().numpy()
    for number in np.flatnonzero(known(landmarks)):
        there = mesh.rigid(mesh.surface().mean, points[number])
        begin, end = there(np.array([[0, TOP, AXIS], [0, TOP + 1, AXIS]]))[:, :2]
        down = (end - begin) / max(float(np.linalg.norm(end - begin)), 1e-9)
        apart = (pixels - begin) / there.scale
        across[number, 0], below[number, 0] = apart @ [-down[1], down[0]], apart @ down
    return torch.from_numpy(across).float(), torch.from_numpy(below).float()
