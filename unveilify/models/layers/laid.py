"""What lies in the hole before anything is painted: a face, and what is beside it. Nothing here is learned."""

from dataclasses import dataclass

import torch
from torch import Tensor

from unveilify.models.contract import Batch
from unveilify.models.layers.beside import beside
from unveilify.models.layers.candidates import Shown, Source, show
from unveilify.models.layers.complete import STEPS, Steps
from unveilify.models.layers.grain import grained
from unveilify.models.layers.light import as_grey, as_sharp, joined, lit, met
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


def finished(fill: Tensor, masked: Tensor, hole: Tensor, smooth: Tensor) -> Tensor:
    """What is to be laid over the photos' ``hole`` (B, 3, S, S), as it leaves: it meets the photo at the edge, has no colours
    where that has none, and is grained where it is ``smooth`` (B, 1, S, S), 0…1, as nobody's skin is."""
    return grained(as_grey(met(fill, masked, hole), masked, hole), masked, hole, smooth)
