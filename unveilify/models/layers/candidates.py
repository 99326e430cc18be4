"""What may lie under a mask, before anything is learned: the person's photos and nobody's face, in the photo's pose."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from unveilify.core.mesh import POINTS
from unveilify.models.contract import Batch
from unveilify.models.layers.blank import blank, continued
from unveilify.models.layers.face_prior import FacePrior
from unveilify.models.layers.hole import averaged, grown
from unveilify.models.layers.placing import (
    MIRRORED,
    Placement,
    Window,
    fetch,
    lay,
    match_colour,
    merge,
    place,
)
from unveilify.models.layers.warp import gaussian, resize

REACH = 0.11
"""How far around the face a photo of the person is believed, as a share of the side: background and collar are another's."""
SKIN = 0.5
"""How far a colour on [-1, 1] may lie from that of a face for it to be the same person's neck or ear."""
RIND = 0.01
"""How far from what is none skin and neck of the person's photo are believed, as a share of the side: their edges are halos."""
DOUBT = 0.12
"""Trust in nobody's face: where a photo's is less, it shows hair and wall stretched over a cheek."""
OUTLINE = 2.0
"""Standard deviation, in pixels at which meshes are drawn, under which their outline is smoothed: enlarged it has no steps."""
APART = 0.5
"""How far colours on [-1, 1] may lie apart around the hole for the same thing to be seen in both photos."""


@dataclass(frozen=True, slots=True)
class Source:
    """Pictures (B, 3, S, S) whose colours were matched to the photo, where they go, and how much that is worth (B, 1, l, l)."""

    pictures: Tensor
    placement: Placement
    trust: Tensor
    seen: Tensor

    def within(self, photos: list["Source"]) -> "Source":
        """The same, seen only where a photo of the person is, if there is one: another jaw beside theirs is a second face."""
        if not photos:
            return self
        covered = torch.stack([photo.seen for photo in photos]).amax(0)
        given = covered.amax((1, 2, 3), keepdim=True) > 0
        return replace(self, seen=self.seen * torch.where(given, covered, torch.ones_like(covered)))


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture (B, 3, s, s), how far it can be trusted and where there is one (B, 1, s, s), 0…1."""

    picture: Tensor
    trust: Tensor
    seen: Tensor

    def feathered(self) -> Tensor:
        """``seen`` with a soft inner edge of about 1 % of the side."""
        step = max(1, round(0.005 * self.seen.shape[-1]))
        inner = 1 - grown(1 - self.seen, step)
        return averaged(inner, step) * self.seen


def from_photos(batch: Batch, hole: Tensor, size_px: int, window: Window, *, mirror: bool = True) -> list[Source]:
    """Every identity image, and its mirror image, rigidly in the pose of the masked face."""
    sources: list[Source] = []
    target = mesh_of(batch.landmarks, batch)
    for k in range(batch.identity.shape[1]):
        given = (batch.real > k).float()[:, None, None, None]
        if not bool(given.any()):
            break
        own = mesh_of(None if batch.identity_landmarks is None else batch.identity_landmarks[:, k], batch)
        pictures = match_colour(batch.identity[:, k], own, batch.masked, target, hole)
        for turned in (False, True)[: 1 + mirror]:
            placement = place(target, own, size_px, window, mirror=turned)
            worth = given * (MIRRORED if turned else 1.0)
            sources.append(Source(pictures, placement, worth * placement.trust, given * placement.seen))
    return sources


def from_prior(batch: Batch, hole: Tensor, size_px: int, window: Window, prior: FacePrior) -> tuple[Source, Tensor]:
    """Nobody's face on the mesh that was found, to be shown where no photo can be trusted, and that mesh's normals
    (B, 3, l, l)."""
    target = mesh_of(batch.landmarks, batch)
    placement, normals = lay(prior.jaw(target), size_px, window)
    pictures = prior(batch.masked, target.nan_to_num(0.5), hole)
    return Source(pictures, placement, DOUBT * placement.seen, placement.seen), normals


def mesh_of(landmarks: Tensor | None, batch: Batch) -> Tensor:
    """The meshes (B, 468, 3); NaN where there are none, or landmarks of another scheme."""
    if landmarks is not None and landmarks.shape[1:] == (POINTS, 3):
        return landmarks
    return batch.masked.new_full((len(batch), POINTS, 3), torch.nan)


def show(sources: list[Source], like: Tensor, side: int) -> Shown:
    """The sources as one picture of ``side``, each weighed by its trust."""
    if not sources:
        empty = like.new_zeros(len(like), 1, side, side)
        return Shown(like.new_zeros(len(like), 3, side, side), empty, empty)
    pictures, trusts, seen = [], [], []
    for source in sources:
        pictures.append(fetch(source.pictures, source.placement, side))
        trusts.append(resize(source.trust, side))
        seen.append((resize(gaussian(source.seen, OUTLINE), side) > 0.5).float())
    return Shown(*merge(pictures, trusts, seen))


def surroundings(masked: Tensor, hole: Tensor, sources: list[Source], window: Window) -> tuple[Tensor, Tensor]:
    """What lies around the face in the hole: the edges that the best photo of the person shows there, of neck, hair and
    cheeks, in the colours of this photo's own surroundings.

    What the two differ by around the hole goes on into it smoothly: Poisson blending (Pérez et al. 2003), solved by
    push and pull. Without a photo the surroundings themselves go on.
    """
    around = continued(masked, hole)
    if not sources:
        return around, torch.zeros_like(hole)
    side = masked.shape[-1]
    inner = window.box(side)[2]
    worth = torch.stack([source.trust.mean((1, 2, 3)) for source in sources])
    chosen = (worth == worth.amax(0)).float()[..., None, None, None]
    chosen = chosen / chosen.sum(0)
    pairs = list(zip(chosen, sources, strict=True))
    there = window.back(sum((c * fetch(s.pictures, s.placement, inner) for c, s in pairs), masked.new_zeros(())), side)
    near, face = (
        window.back(resize(sum((c * where(s.seen) for c, s in pairs), masked.new_zeros(())), inner), side)
        for where in (_near, Tensor.float)
    )
    # Where hair here meets a wall there, the two differ by more than light does: that is no light to go on.
    apart = masked - there
    same = alike(apart, APART)
    agreed = blank(same, hole)
    light = blank(apart * same, hole) / agreed.clamp(min=0.05)
    # Their neck and ears, and what lies behind them only where both photos show the same.
    skin = (there * face).sum((2, 3), keepdim=True) / face.sum((2, 3), keepdim=True).clamp(min=1)
    likely = torch.maximum(alike(there - skin, SKIN), agreed.square())
    step = max(1, round(RIND * side))
    near = near * gaussian(1 - grown(1 - likely, step), step)
    return around + near * (there + light.clamp(-APART, APART) - around), near


def alike(apart: Tensor, scale: float) -> Tensor:
    """1 where two pictures that are ``apart`` (B, 3, S, S) differ little, near 0 where by more than light does (B, 1, S, S):
    a fringe is no shadow."""
    return torch.exp(-(apart.abs().amax(1, keepdim=True) / scale).square())


def _near(seen: Tensor) -> Tensor:
    """1 on a mesh that is seen (B, 1, l, l), falling to 0 over `REACH` of the side around it."""
    step = max(1, round(REACH / 2 * seen.shape[-1]))
    return averaged(grown(seen, step), step)
