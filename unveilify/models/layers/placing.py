"""Lay pictures of faces into the pose of another face, by their meshes. Nothing here is learned.

Landmarks (468, 3) are in shares of their picture's side. A *placement* says where every pixel of the photo is to be
fetched in a source picture; it is drawn at a small side and enlarged, since it is smooth, so that pixels are fetched at
the source's own resolution.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from unveilify.core import mesh
from unveilify.core.symmetry import mirrored, partners
from unveilify.models.layers.blank import blank
from unveilify.models.layers.hole import EYES, averaged, grown
from unveilify.models.layers.warp import resize, sampled

SHARPNESS = 3.0
"""Power of a candidate's trust: the best one is shown nearly alone, since a mean of several is blurred."""
MIRRORED = 0.25
"""Trust in the mirrored picture of a person against the picture itself: faces are not symmetric."""
LOOK = 64
"""Side at which `match_colour` compares: pores and noise are no colours."""
RATIO = (0.7, 1.4)
"""Bounds of the ratio of deviations in `match_colour`."""

FOLD = 4.0
"""How much further apart than in the photo neighbouring pixels may lie in the source, for the same surface to be seen."""

Points = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Placement:
    """For B photos: ``grid`` (B, l, l, 2) in [-1, 1] as of `grid_sample`; ``trust`` and ``seen`` (B, 1, l, l), 0…1.

    ``points`` (B, 468, 2): where the mesh was laid, in shares of the face crop's side, NaN where nothing was.
    """

    grid: Tensor
    trust: Tensor
    seen: Tensor
    points: Tensor


@dataclass(frozen=True, slots=True)
class Window:
    """A square part of the face crop, in shares of its side."""

    left: float = 0.0
    top: float = 0.0
    side: float = 1.0

    def inside(self, points: Points) -> Points:
        """Points (..., N, 3) in shares of the window's side."""
        moved = points - [self.left, self.top, 0.0]
        return np.asarray(moved / self.side)

    def cut(self, pictures: Tensor) -> Tensor:
        """(B, C, S, S) -> the window, (B, C, s, s)."""
        x, y, side = self.box(pictures.shape[-1])
        return pictures[..., y : y + side, x : x + side]

    def back(self, pictures: Tensor, size_px: int) -> Tensor:
        """(B, C, s, s) -> (B, C, S, S) with zeros around the window."""
        x, y, side = self.box(size_px)
        return F.pad(pictures, (x, size_px - side - x, y, size_px - side - y))

    def box(self, size_px: int) -> tuple[int, int, int]:
        """Left, top and side in pixels of a crop of side ``size_px``."""
        return round(self.left * size_px), round(self.top * size_px), round(self.side * size_px)


def known(landmarks: Tensor) -> npt.NDArray[np.bool_]:
    """Which of (B, N, D) are meshes that were found, (B,)."""
    whole = torch.isfinite(landmarks).all(-1).all(-1)
    return np.asarray(whole.cpu().numpy()) & (landmarks.shape[-2:] == (mesh.POINTS, 3))


def place(
    target: Tensor, source: Tensor, size_px: int, window: Window, *, own_shape: bool = True, mirror: bool = False
) -> Placement:
    """How to show the faces of ``source`` in the poses of ``target``; both (B, 468, 3).

    With ``own_shape`` a face lands rigidly, with its own jaw and mouth; without, point by point on the target's.
    With ``mirror`` it is the source's mirror image that is shown. Where a mesh is not known nothing is seen.
    """
    there = np.flatnonzero(known(target) & known(source))
    to, given = _points(target)[there], _points(source)[there]
    shown = np.asarray(mirrored(given.astype(np.float32)), np.float64) if mirror else given
    rigidly = (mesh.rigid(a, b)(a) for a, b in zip(shown, to, strict=True))
    placed = np.array(list(rigidly)).reshape(to.shape) if own_shape else to
    # The mirror image itself is never made: its points are fetched from where their partners lie.
    places = 2 * given[:, partners(mesh.POINTS) if mirror else slice(None), :2] - 1
    values = np.concatenate([places, mesh.trust(placed, shown)[..., None]], -1)
    maps, _ = _drawn(len(target), there, window.inside(placed), values, size_px)
    points = np.full((len(target), mesh.POINTS, 2), np.nan, np.float32)
    points[there] = placed[..., :2]
    return _placement(maps, points, target.device, window)


def lay(target: Tensor, size_px: int, window: Window) -> tuple[Placement, Tensor]:
    """How to show an unrolled face (see `mesh.Surface.unrolled`) on ``target`` (B, 468, 3), and the surface's normals
    (B, 3, l, l)."""
    there = np.flatnonzero(known(target))
    to = _points(target)[there]
    unrolled = np.broadcast_to(2 * mesh.surface().unrolled - 1, (*to.shape[:2], 2))
    values = np.concatenate([unrolled, mesh.trust(to)[..., None], mesh.normals(to)], -1)
    maps, normals = _drawn(len(target), there, window.inside(to), values, size_px)
    placement = _placement(maps, _points(target)[..., :2], target.device, window)
    return placement, torch.from_numpy(normals).permute(0, 3, 1, 2).to(target.device)


def fetch(pictures: Tensor, placement: Placement, side: int) -> Tensor:
    """Sample (B, C, S, S) where the placement says, at ``side``: (B, C, side, side)."""
    grid = placement.grid.permute(0, 3, 1, 2)
    places, folded = enlarged(grid, side)
    picture = sampled(pictures, places.permute(0, 2, 3, 1))
    # What meets at a fold is drawn as finely as pixels are; a photo shows no such steps.
    smooth = averaged(averaged(picture, 1), 1)
    return picture + averaged(folded, 1) * (smooth - picture)


def enlarged(grid: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Places (B, 2, l, l) at another side, and where a face folds (B, 1, side, side), 0 or 1. They are smooth but there:
    between the side of a nose and the cheek behind it lies a nostril that is not to be seen."""
    smooth, step = resize(grid, side), FOLD * 2 / grid.shape[-1]
    apart = F.max_pool2d(grid, 3, 1, 1) + F.max_pool2d(-grid, 3, 1, 1)
    folded = F.interpolate((apart.amax(1, keepdim=True) > step).float(), size=(side, side))
    return torch.where(folded > 0, F.interpolate(grid, size=(side, side)), smooth), folded


def merge(
    pictures: Sequence[Tensor], trusts: Sequence[Tensor], seen: Sequence[Tensor]
) -> tuple[Tensor, Tensor, Tensor]:
    """Candidates for the same pixels into one: the picture (B, 3, S, S), its trust and where any is seen (B, 1, S, S)."""
    weights = torch.stack([((t + 0.02) * s) ** SHARPNESS for t, s in zip(trusts, seen, strict=True)])
    total = weights.sum(0)
    picture = (weights * torch.stack(list(pictures))).sum(0) / total.clamp(min=1e-9)
    best = torch.stack([t * s for t, s in zip(trusts, seen, strict=True)]).amax(0)
    return picture, best, torch.stack(list(seen)).amax(0)


def match_colour(given: Tensor, source: Tensor, masked: Tensor, target: Tensor, hole: Tensor) -> Tensor:
    """Give each picture the mean and deviation, per channel, of the photo's visible skin.

    Skin is compared at the same points of both meshes, those that a mask never hides and that lie outside the hole
    and face both cameras. ``given`` (B, 3, S, S) with landmarks ``source``; ``masked`` (B, 3, S, S) with ``target`` and
    ``hole`` (B, 1, S, S). Nothing is learned here on purpose: a learned colour term grows into a way around the pixels.
    """
    points = torch.from_numpy(skin_points()).to(given.device)
    a, b = (at(resize(x, min(LOOK, x.shape[-1])), p[:, points]) for x, p in ((given, source), (masked, target)))
    covered = at(grown(resize(hole, min(LOOK, hole.shape[-1])), 2), target[:, points])
    weight = (covered < 0.05) * _squarely(source, points, given) * _squarely(target, points, given)
    total = weight.sum(-1, keepdim=True)
    weight = weight / total.clamp(min=1e-6)
    mean, wanted = (weight * a).sum(-1, keepdim=True), (weight * b).sum(-1, keepdim=True)
    deviation = (weight * (a - mean).square()).sum(-1, keepdim=True).clamp(min=1e-6).sqrt()
    wanted_deviation = (weight * (b - wanted).square()).sum(-1, keepdim=True).sqrt()
    ratio = (wanted_deviation / deviation).clamp(*RATIO)
    matched = (given - mean[..., None]) * ratio[..., None] + wanted[..., None]
    return torch.where(total[..., None] > 4, matched, given.float()).clamp(-1, 1)


def skin_points() -> npt.NDArray[np.int64]:
    """Points of forehead, temples, nose bridge and cheekbones, without the eyes."""
    return np.setdiff1d(mesh.surface().visible, sum(EYES, ()))


def _squarely(landmarks: Tensor, points: Tensor, like: Tensor) -> Tensor:
    """(B, 1, P): how squarely each point faces the camera; 0 where the mesh is not known."""
    there = known(landmarks)
    facing = np.zeros((len(landmarks), mesh.POINTS))
    facing[there] = mesh.normals(_points(landmarks)[there])[..., 2].clip(0, 1)
    return torch.from_numpy(facing).to(like)[:, None, points]


def at(pictures: Tensor, points: Tensor) -> Tensor:
    """Values (B, C, P) of (B, C, S, S) at (B, P, 2+)."""
    grid = (2 * points[..., :2].float().nan_to_num(-1.0) - 1)[:, None]
    return sampled(pictures, grid)[:, :, 0]


def _points(landmarks: Tensor) -> Points:
    return landmarks.detach().cpu().double().numpy()


def _drawn(
    count: int, there: npt.NDArray[np.intp], points: Points, values: Points, size_px: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Of ``count`` pictures those that are ``there``, drawn: x, y, trust and seen (count, l, l, 4), and what else there is."""
    pictures, seen = mesh.draw(points, values, size_px)
    maps, rest = (np.zeros((count, size_px, size_px, channels), np.float32) for channels in (4, values.shape[-1] - 3))
    maps[there, ..., :3], maps[there, ..., 3], rest[there] = pictures[..., :3], seen, pictures[..., 3:]
    return maps, rest


def _placement(
    maps: npt.NDArray[np.float32], points: npt.NDArray[np.floating], device: torch.device, window: Window
) -> Placement:
    """From x, y, trust and seen (B, l, l, 4); around the mesh the displacement goes on smoothly."""
    places, trust, seen = torch.split(torch.from_numpy(maps).to(device).permute(0, 3, 1, 2).contiguous(), [2, 1, 1], 1)
    side = maps.shape[1]
    steps = (torch.arange(side, device=device) + 0.5) / side * window.side
    x, y = 2 * (window.left + steps) - 1, 2 * (window.top + steps) - 1
    here = torch.stack([x.expand(side, side), y[:, None].expand(side, side)])
    moved = blank((places - here) * seen, 1 - seen)
    return Placement((here + moved).permute(0, 2, 3, 1), trust, seen, torch.from_numpy(points).float().to(device))
