"""A face that nobody has: what the lower face may look like, given the upper one, in closed form.

Faces are unrolled along their meshes and moved onto their common mean (`congeal`), so that lips lie on lips and a mean of
many is sharp. Of the lower halves the mean and the principal components are kept, and the linear least-squares estimate of
the components from the upper half (the conditional mean of a joint Gaussian).
"""

from collections.abc import Iterable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unveilify.core import mesh
from unveilify.core.errors import UserError
from unveilify.core.raster import hits
from unveilify.models.layers.blank import blank
from unveilify.models.layers.congeal import Bytes, congealed
from unveilify.models.layers.hole import grown
from unveilify.models.layers.jaw import Array, Jaw, known_pairs
from unveilify.models.layers.warp import blurred, sampled

SIDE = 320
"""Side of an unrolled face in pixels."""
COARSE = SIDE // 2
"""Side at which faces are told apart: what is finer is of the mean."""
SPLIT = 2 * (round(COARSE * (mesh.NEVER_HIDDEN + 0.9) / 2.75) - 6)
"""First row of the lower half."""
LOWER = ((SIDE - SPLIT) // 2, COARSE)
"""Rows and columns of the lower half where faces are told apart."""
UPPER = slice(round(0.30 * SPLIT), SPLIT)
"""Rows that the lower half is estimated from."""
TONE = slice(SPLIT - 52, SPLIT + 16)
"""Rows from the brows to the cheekbones, where the colour of a face's skin is looked for."""
READ = slice(UPPER.start, TONE.stop)
"""All rows that say anything of the lower half."""
ALL = slice(None)
LOOK = (10, 16)
"""Rows and columns to which these are reduced."""
UNLIKE = 0.25
"""Most that a pixel of the upper half may differ from the mean's, on [-1, 1]: what differs by more is no skin."""
BLEND = 32
"""Rows over which the mean of the upper half goes over into what is predicted of the lower."""
COMPONENTS = 28
RIDGE = 60.0
"""Penalty per face of the estimate, in squared grey levels of 0…255."""
FINE = 6.0
"""Standard deviation in pixels of what is called fine: of that the mean knows only what some sharp faces show."""
RIM = 8
"""Width in pixels of the outline of unrolled faces that is not learned."""
CHUNK = 64
"""Faces that are made floats at a time."""
CLOSED = 0.06
"""Largest gap between the lips, in interocular distances, of a face that counts."""


class FacePrior(nn.Module):
    """``mean`` (3, SIDE, SIDE), colours less the face's own; ``components`` (C, 3, rows, COARSE) of the lower half, of
    length 1; ``spread`` (C,) their deviations; ``estimate`` (F, C), ``centre`` (F,) and ``tone`` (3,), the mean colour.
    ``jaw`` says where the lower face is."""

    mean: Tensor
    components: Tensor
    spread: Tensor
    estimate: Tensor
    centre: Tensor
    tone: Tensor
    corners: Tensor
    weights: Tensor
    covered: Tensor

    def __init__(self) -> None:
        super().__init__()
        features = 3 * LOOK[0] * LOOK[1] + 3
        self.register_buffer("mean", torch.zeros(3, SIDE, SIDE))
        self.register_buffer("components", torch.zeros(COMPONENTS, 3, *LOWER))
        self.register_buffer("spread", torch.zeros(COMPONENTS))
        self.register_buffer("estimate", torch.zeros(features, COMPONENTS))
        self.register_buffer("centre", torch.zeros(features))
        self.register_buffer("tone", torch.zeros(3))
        self.jaw = Jaw()
        vertices = np.column_stack([mesh.surface().unrolled * SIDE - 0.5, np.zeros(mesh.POINTS)])
        found = hits(vertices, mesh.surface().triangles, (SIDE, SIDE)).last((SIDE, SIDE))
        corners, weights = np.zeros((SIDE * SIDE, 3), np.int64), np.zeros((SIDE * SIDE, 3), np.float32)
        corners[found.pixel] = found.corners
        weights[found.pixel] = np.column_stack([1 - found.second - found.third, found.second, found.third])
        self.register_buffer("corners", torch.from_numpy(corners), persistent=False)
        self.register_buffer("weights", torch.from_numpy(weights), persistent=False)
        covered = torch.from_numpy(weights.sum(1) > 0).reshape(1, 1, SIDE, SIDE).float()
        self.register_buffer("covered", covered, persistent=False)

    def unroll(self, pictures: Tensor, landmarks: Tensor, rows: slice = ALL) -> Tensor:
        """(B, C, S, S) with meshes (B, 468, 3) -> (B, C, SIDE, SIDE), or some rows of it."""
        grid = 2 * self.spread_out(landmarks[..., :2], rows) - 1
        return sampled(pictures, grid.permute(0, 2, 3, 1)) * self.covered[:, :, rows]

    def spread_out(self, values: Tensor, rows: slice = ALL) -> Tensor:
        """What the points of meshes (B, 468, C) say, over the unrolled face: (B, C, SIDE, SIDE), or some rows of it."""
        count, points, channels = values.shape
        table = values.permute(1, 0, 2).reshape(points, count * channels).to(self.weights)
        corners, weights = (of.view(SIDE, SIDE, 3)[rows].flatten(0, 1) for of in (self.corners, self.weights))
        flat = F.embedding_bag(corners, table, per_sample_weights=weights, mode="sum")
        return flat.T.reshape(count, channels, -1, SIDE)

    def seen(self, pictures: Tensor, landmarks: Tensor, hole: Tensor, rows: slice = ALL) -> tuple[Tensor, Tensor]:
        """The unrolled pictures, with what is turned away or in the hole taken from the other side, and how far each
        pixel is known (B, 1, SIDE, SIDE); outside of ``rows`` nothing is known."""
        trust = torch.from_numpy(mesh.trust(landmarks.double().cpu().numpy())).to(pictures)
        both = self.unroll(torch.cat([pictures, grown(hole, 1)], 1), landmarks, rows)
        flat, covered = torch.split(both, [3, 1], 1)
        know = self.spread_out(trust[..., None], rows) * (covered < 0.02)
        other = know.flip(-1) * (1 - know)
        total = know + other
        face = (flat * know + flat.flip(-1) * other) / total.clamp(min=1e-3)
        begin, end, _ = rows.indices(SIDE)
        rest = (0, 0, begin, SIDE - end)
        return F.pad(face, rest), F.pad(total, rest)

    @torch.no_grad()
    def forward(self, masked: Tensor, landmarks: Tensor, hole: Tensor) -> Tensor:
        """Unrolled faces (B, 3, SIDE, SIDE) in [-1, 1] for masked photos, as far as their upper halves tell."""
        face, know = self.seen(masked.float(), landmarks, hole.float(), READ)
        own = tone(face, know)
        lower = self._coefficients(face, know, own) @ self.components.flatten(1)
        flat = self.mean.expand(len(masked), -1, -1, -1).clone()
        begin = (torch.arange(SIDE - SPLIT, device=lower.device) / BLEND).clamp(max=1)[:, None]
        flat[:, :, SPLIT:] += begin * self.enlarged(lower.reshape(-1, 3, *LOWER))
        return (flat + own[..., None, None]).clamp(-1, 1)

    @staticmethod
    def enlarged(lower: Tensor) -> Tensor:
        """Lower halves (N, 3, *LOWER) as large as those of the mean."""
        return F.interpolate(lower, size=(SIDE - SPLIT, SIDE), mode="bilinear", align_corners=False)

    def _coefficients(self, face: Tensor, know: Tensor, own: Tensor) -> Tensor:
        features = self._features(face, know, own) - self.centre
        return torch.clamp(features @ self.estimate, -1.5 * self.spread, 1.5 * self.spread)

    def _features(self, face: Tensor, know: Tensor, own: Tensor) -> Tensor:
        # A fringe says little of the chin, and must not darken it.
        different = face[:, :, UPPER] - own[..., None, None] - self.mean[:, UPPER]
        different = different.clamp(-UNLIKE, UNLIKE) * (know[:, :, UPPER] > 0.3)
        return torch.cat([F.adaptive_avg_pool2d(different, LOOK).flatten(1), own - self.tone], 1)

    @torch.no_grad()
    def fit(self, faces: Iterable[tuple[Tensor, Tensor, Tensor]], most: int) -> int:
        """Learn from unmasked pictures (B, 3, S, S), their meshes (B, 468, 3) and those found under masks; returns how many
        counted.

        Faces whose mouth is open, or whose mesh is not known, are left out.

        Raises:
            UserError: none counted.
        """
        parts: list[tuple[Bytes, Bytes]] = []
        pairs: list[tuple[Array, Array]] = []
        for pictures, landmarks, masked in faces:
            shut = closed(landmarks)
            # The mean of open mouths and closed ones is half open, and a closed mouth laid onto it is a blur.
            pairs += known_pairs(landmarks[shut], masked[shut])
            if shut.any():
                empty = torch.zeros_like(pictures[shut][:, :1])
                face, know = self.seen(pictures[shut].float(), landmarks[shut], empty)
                parts.append((_bytes(127.5 * (face + 1)), _bytes(255 * know)))
            if sum(len(face) for face, _ in parts) >= most:
                break
        if not parts:
            raise UserError("No picture shows a face with a closed mouth: make the shards with landmarks mediapipe.")
        if pairs:
            self.jaw.fit(pairs)
        unrolled, known = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
        parts.clear()
        self._learn(unrolled, known, congealed(unrolled, known))
        return len(unrolled)

    def _learn(self, unrolled: Bytes, known: Bytes, sharp: list[int]) -> None:
        """Mean, components and estimate, of faces (N, SIDE, SIDE, 3) and how far they are known (N, SIDE, SIDE, 1)."""
        chunks = [slice(i, i + CHUNK) for i in range(0, len(unrolled), CHUNK)]
        self.tone.copy_(torch.cat([tone(*_floats(unrolled[c], known[c])) for c in chunks]).mean(0))
        fine = self._mean_of(*_floats(unrolled[sharp], known[sharp]))
        total, weight = torch.zeros_like(self.mean), torch.zeros_like(self.covered[0])
        for chunk in chunks:
            face, know = _floats(unrolled[chunk], known[chunk])
            total += know.sum(0) * self._mean_of(face, know)
            weight += know.sum(0)
        self.mean.copy_(self._smooth(total / weight.clamp(min=1e-3)) + fine - self._smooth(fine))
        lower, features = [], []
        for chunk in chunks:
            face, know = _floats(unrolled[chunk], known[chunk])
            own = tone(face, know)
            features.append(self._features(face, know, own))
            apart = torch.where(know > 0.3, face - own[..., None, None] - self.mean, torch.zeros_like(face))
            lower.append(F.avg_pool2d(apart[:, :, SPLIT:], 2).flatten(1).half())
        self._decompose(torch.cat(lower), torch.cat(features))
        self._widened()

    def _widened(self) -> None:
        """Put what lies within `RIM` of the outline over it: there meshes are a little off, and a mean shows walls and hair."""
        unsure = grown(1 - F.pad(self.covered, (1, 1, 1, 1)), RIM)[..., 1:-1, 1:-1]
        self.mean.copy_(blank(self.mean[None], unsure)[0])
        rows, columns = LOWER
        unsure = F.max_pool2d(unsure, 2)
        unsure[..., : columns - rows, :] = 1
        whole = F.pad(self.components, (0, 0, columns - rows, 0))
        self.components.copy_(blank(whole, unsure.expand(len(whole), -1, -1, -1))[..., columns - rows :, :])

    @staticmethod
    def _mean_of(face: Tensor, know: Tensor) -> Tensor:
        """The mean (3, SIDE, SIDE) of faces less their own colours."""
        apart = face - tone(face, know)[..., None, None]
        return (apart * know).sum(0) / know.sum(0).clamp(min=1e-3)

    def _smooth(self, picture: Tensor) -> Tensor:
        """What of (3, SIDE, SIDE) is coarser than `FINE`."""
        covered = self.covered[0]
        return blurred(picture[None], covered[None], FINE)[0] * covered

    def _decompose(self, lower: Tensor, features: Tensor) -> None:
        """Principal components of the lower halves (N, D), and their estimate from the features (N, F)."""
        pick = torch.linspace(0, len(lower) - 1, min(len(lower), 3000)).long()
        some = lower[pick].float()
        _, vectors = torch.linalg.eigh(some @ some.T)
        base = F.normalize(vectors.flip(1)[:, :COMPONENTS].T @ some, dim=1)
        count = len(base)
        self.components[:count] = base.reshape(count, 3, *LOWER)
        values = torch.cat([part.float() @ base.T for part in torch.split(lower, 512)])
        self.spread[:count] = values.square().mean(0).sqrt()
        self.centre.copy_(features.mean(0))
        x = features - self.centre
        penalty = len(x) * RIDGE / 127.5**2 * torch.eye(x.shape[1])
        self.estimate[:, :count] = torch.linalg.solve(x.T @ x + penalty, x.T @ values)


def _bytes(pictures: Tensor) -> Bytes:
    """(B, C, S, S) of 0…255 -> (B, S, S, C)."""
    return np.asarray(pictures.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy())


def _floats(faces: Bytes, known: Bytes) -> tuple[Tensor, Tensor]:
    """Faces (B, 3, S, S) on [-1, 1] and how far they are known (B, 1, S, S), from bytes."""
    pictures, there = (torch.from_numpy(many).permute(0, 3, 1, 2).float() for many in (faces, known))
    return pictures / 127.5 - 1, there / 255


def tone(face: Tensor, know: Tensor) -> Tensor:
    """The colour (B, 3) of the skin of unrolled faces: the mean of the brighter part of what is known around the eyes,
    for eyes, brows and a fringe are darker than the skin."""
    there, weight = face[:, :, TONE], know[:, :, TONE]
    brighter = there.mean(1, keepdim=True) >= _mean(there, weight).mean(1, keepdim=True) - 0.02
    return _mean(there, weight * brighter)[..., 0, 0]


def _mean(pictures: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean over the pixels, (B, C, 1, 1)."""
    return (pictures * weight).sum((2, 3), keepdim=True) / weight.sum((2, 3), keepdim=True).clamp(min=1e-3)


def closed(landmarks: Tensor) -> Tensor:
    """Whether the mouths of (B, 468, 3) are closed, (B,); false where the mesh is not known."""
    between = (landmarks[:, [33, 133], :2].mean(1) - landmarks[:, [263, 362], :2].mean(1)).norm(dim=1)
    gap = (landmarks[:, 13] - landmarks[:, 14]).norm(dim=1)
    shut: Tensor = gap < CLOSED * between
    return shut
