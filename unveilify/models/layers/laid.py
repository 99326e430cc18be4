"""What lies in the hole before anything is painted: a face, and what is beside it. Nothing here is learned."""

from dataclasses import dataclass

import torch
from torch import Tensor

from unveilify.models.contract import Batch
from unveilify.models.layers.beside import beside
from unveilify.models.layers.candidates import Shown, Source, show
from unveilify.models.layers.complete import STEPS, Steps
from unveilify.models.layers.light import as_sharp, joined, lit
from unveilify.models.layers.placing import Window


@dataclass(frozen=True, slots=True)
class Laid:
    """``behind`` (B, 3, S, S): the photo with the hole filled as if there were no face in it; ``face``, in the photo's light,
    of the window's side s, and ``share`` (B, 1, s, s), 0…1, how far it covers what is behind."""

    behind: Tensor
    face: Shown
    share: Tensor


@torch.no_grad()
def lay_out(
    batch: Batch,
    hole: Tensor,
    photos: list[Source],
    nobody: Source,
    window: Window,
    *,
    steps: Steps = STEPS,
    sharp: bool = False,
) -> Laid:
    """Lay ``photos`` of the person, and ``nobody`` where they show nothing, into the ``hole`` (B, 1, S, S) of the photos.

    ``steps`` as of `completed`: without any, what lies beside the face is as rough as its guide. ``sharp``: photos may be
    sharper than the one they are laid into.
    """
    masked = batch.masked.float()
    around, inner = window.cut(masked), window.cut(hole)
    face = show([*photos, nobody.within(photos)], around, around.shape[-1])
    behind = beside(batch, hole, photos, nobody, window.back(face.seen, masked.shape[-1]), window, steps)
    face = face if sharp else as_sharp(face, around, inner)
    face = joined(lit(face, around, inner), around, inner)
    return Laid(behind, face, face.feathered())
