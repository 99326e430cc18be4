"""Fill what a mask hid beside the face, of neck, hair, clothes and background, with patches of the photo itself.

Wexler, Shechtman and Irani 2007, "Space-time completion of video": every patch of what is filled is to look like some patch
of what is seen. From coarse to fine the most alike patches are looked for, and their mean is laid in. At the end pixels of
the full photo are copied from where the finest patches were found, so that the filling is as sharp as the photo. A guide
says roughly what is to lie where: else a wall beside a neck is as good as the neck.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from unveilify.models.layers.blank import going_on
from unveilify.models.layers.candidates import alike
from unveilify.models.layers.hole import grown
from unveilify.models.layers.layers import full_precision
from unveilify.models.layers.warp import resize, sampled

Steps = Sequence[tuple[int, int, int]]

REACH = 2
"""A patch goes this many pixels to each side of its own."""
PATCH = 2 * REACH + 1
STEPS = ((32, 5, 1), (64, 3, 1), (128, 3, 1))
"""Sides at which patches are looked for, how often at each, and among how many of them: all, or one of two."""
SEARCHED = 64
"""Largest side at which all patches are compared; at finer ones those around what the coarser one found."""
NEAR, LIKE = 0.15, 0.5
"""Weights of the squared distance of places, in sides, and of the squared difference from the guide's colour."""
AROUND, MATCHED, LIGHT, REACHES = 2, 160, 0.3, (0.08, 0.03, 0.012)
"""How many small pixels around the hole are copied, too; at which side they are compared with the photo; how far colours on
[-1, 1] may lie apart by light; and how far that goes on into the hole, in shares of the side."""
BEHIND = 1 / 48
"""How far behind a face's edge is filled, too, as a share of the side."""


def completed(
    picture: Tensor, hole: Tensor, guide: Tensor, face: Tensor, steps: Steps = STEPS, *, like: float = LIKE
) -> Tensor:
    """(B, 3, S, S) in [-1, 1] with the ``hole`` (B, 1, S, S) filled by patches from outside it; no gradient.

    ``guide`` (B, 3, S, S) is what the filling is to be like. What lies under ``face`` (B, 1, S, S), 0 or 1, is never seen:
    there, and where nothing is known from which to fill, the guide stays. Patches are looked for in ``steps``,
    and are the more ``like`` it the larger that is.
    """
    rows = zip(picture.detach().float(), hole, guide.detach().float(), face, strict=True)
    with full_precision(picture):  # differences of squares would be lost in bfloat16
        filled = [_completed(*(one[None].cpu() for one in row), steps=steps, like=like)[0] for row in rows]
    return torch.stack(filled).to(picture.device)


@torch.no_grad()
def _completed(picture: Tensor, hole: Tensor, guide: Tensor, face: Tensor, *, steps: Steps, like: float) -> Tensor:
    level: _Level | None = None
    found: Tensor | None = None
    for side, rounds, every in steps:
        finer = _Level.of(picture, hole, guide, face, min(side, picture.shape[-1]), like)
        if not len(finer.wanted) or not len(finer.sources):
            break
        found = None if level is None or found is None else finer.enlarged(level, found)
        filling = finer.guide if found is None else finer.copied(found)
        level, table = finer, finer.table(every) if found is None or finer.side <= SEARCHED else None
        for _ in range(rounds):
            patches = _patches(filling)
            if table is not None:
                found, unlike = level.search(patches, *table)
            else:
                assert found is not None
                found, unlike = level.best(patches, level.around(found))
            filling = level.voted(found, unlike)
        if level.side == picture.shape[-1]:
            break
    if level is None or found is None:
        return torch.where(hole > 0, guide, picture)
    return torch.where(hole > 0, level.copied_from(picture, hole, found, guide), picture)


@dataclass(frozen=True, slots=True)
class _Level:
    """The photo at one side: ``picture`` and ``guide`` (1, 3, s, s), ``shown`` (1, 1, s, s) where no face is in front.

    Pixels are numbered by row and column: ``wanted`` (W,) are filled, around ``sources`` (K,) everything is known, and
    ``usable`` (s * s,) says which are sources. ``patches`` (s * s, 3 * PATCH²) of the photo, of which those of sources count.
    """

    picture: Tensor
    guide: Tensor
    shown: Tensor
    wanted: Tensor
    sources: Tensor
    usable: Tensor
    patches: Tensor
    like: float

    @classmethod
    def of(cls, picture: Tensor, hole: Tensor, guide: Tensor, face: Tensor, side: int, like: float) -> "_Level":
        seen = _reduced(1 - hole, side)
        known = (seen > 0.99).float()
        small = _reduced(picture * (1 - hole), side) / seen.clamp(min=1e-3)
        shown = grown(1 - (_reduced(face, side) > 0.5).float(), max(1, round(BEHIND * side)))
        usable = (1 - grown(1 - known, REACH)).flatten() > 0
        wanted = ((1 - known) * shown).flatten().nonzero()[:, 0]
        rough = _reduced(guide, side)
        small = known * small + (1 - known) * rough
        return cls(small, rough, shown, wanted, usable.nonzero()[:, 0], usable, _patches(small), like)

    @property
    def side(self) -> int:
        return self.picture.shape[-1]

    def places(self, pixels: Tensor) -> Tensor:
        """Row and column in sides (…, 2)."""
        return torch.stack([pixels // self.side, pixels % self.side], -1) / self.side

    def enlarged(self, coarser: "_Level", found: Tensor) -> Tensor:
        """What a coarser level found, in this one's pixels (W,)."""
        small, large = coarser.side, self.side
        whole = torch.arange(small * small)
        whole[coarser.wanted] = found
        y, x = self.wanted // large, self.wanted % large
        parent = (y * small // large) * small + x * small // large
        down, right = whole[parent] // small - parent // small, whole[parent] % small - parent % small
        return self._stepped(self.wanted, down * large // small, right * large // small)

    def table(self, every: int) -> tuple[Tensor, Tensor]:
        """Sources (K,), one of ``every`` in each row and column, and what `search` multiplies with of each (columns, K): its
        values, the squares of all channels, place and colour."""
        some = self.sources[(self.sources // self.side + self.sources % self.side) % every == 0]
        some = some if len(some) else self.sources
        given, colours, there = self.patches[some], self._colours(self.picture)[some], self.places(some)
        squares = NEAR * there.square().sum(1) + self.like * colours.square().mean(1)
        # What a face hides it hides of every channel: squares of the three count alike.
        columns = torch.cat([given, _over_channels(given.square()), there, colours, squares[:, None]], 1)
        return some, columns.T.contiguous()

    def search(self, patches: Tensor, sources: Tensor, table: Tensor) -> tuple[Tensor, Tensor]:
        """The most alike of the ``sources`` (K,) with that `table` for every wanted pixel, and how unlike it is (W,)."""
        counts, mine = self._counts(), patches[self.wanted]
        patch, counted = mine * counts, counts[:, : PATCH**2]
        here, wished = self.places(self.wanted), self._colours(self.guide)[self.wanted]
        row = torch.cat(
            [-2 * patch, counted, -2 * NEAR * here, -2 * self.like / 3 * wished, torch.ones_like(here[:, :1])], 1
        )
        own = (patch * mine).sum(1) + NEAR * here.square().sum(1) + self.like * wished.square().mean(1)
        best = [(some @ table).min(1) for some in torch.split(row, 512)]
        numbers, unlike = torch.cat([b.indices for b in best]), torch.cat([b.values for b in best])
        return sources[numbers], (unlike + own).clamp(min=0)

    def best(self, patches: Tensor, near: Tensor) -> tuple[Tensor, Tensor]:
        """The same, of the pixels ``near`` (W, N) alone."""
        counts, mine = self._counts(), patches[self.wanted]
        here, wished = self.places(self.wanted), self._colours(self.guide)[self.wanted]
        colours = self._colours(self.picture)
        unlike = torch.stack(
            [
                ((mine - self.patches[some]).square() * counts).sum(1)
                + NEAR * (here - self.places(some)).square().sum(1)
                + self.like * (wished - colours[some]).square().mean(1)
                for some in near.T
            ],
            1,
        )
        least = torch.where(self.usable[near], unlike, torch.inf).min(1)
        return near.gather(1, least.indices[:, None])[:, 0], least.values

    def around(self, found: Tensor) -> Tensor:
        """What was found for every wanted pixel, what lies around that, and what goes with what its neighbours found: (W, N).
        Where none of these is a source, the nearest one stands in."""
        side = self.side
        whole = torch.arange(side * side)
        whole[self.wanted] = found
        steps = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)]
        own = [self._stepped(found, y, x) for y, x in steps]
        theirs = [self._stepped(whole[self._stepped(self.wanted, y, x)], -y, -x) for y, x in steps if (y, x) != (0, 0)]
        near = torch.stack(own + theirs, 1)
        lost = ~self.usable[near].any(1)
        if lost.any():
            apart = torch.cdist(self.places(near[lost, 0]), self.places(self.sources))
            near[lost, 0] = self.sources[apart.argmin(1)]
        return near

    def voted(self, found: Tensor, unlike: Tensor) -> Tensor:
        """The photo filled with the mean of all patches that reach each pixel, the alike ones counting most."""
        side, size = self.side, PATCH**2
        trust = torch.exp(-unlike / (2 * unlike.quantile(0.75)).clamp(min=1e-6))
        laid = torch.zeros(4 * size, side * side)
        laid[: 3 * size, self.wanted] = (self.patches[found] * trust[:, None]).T
        laid[3 * size :, self.wanted] = trust
        total, weight = (F.fold(x[None], side, PATCH, padding=REACH) for x in (laid[: 3 * size], laid[3 * size :]))
        return self._laid(total / weight.clamp(min=1e-9))

    def copied(self, found: Tensor) -> Tensor:
        """The photo filled with the pixels that were found."""
        copy = self.picture.flatten(2).clone()
        copy[..., self.wanted] = copy[..., found]
        return copy.view_as(self.picture)

    def copied_from(self, picture: Tensor, hole: Tensor, found: Tensor, guide: Tensor) -> Tensor:
        """The full photo (1, 3, S, S), filled from where its small self was; between four small pixels the four copies mix.

        What a copy and the photo differ by just outside the hole is light, and goes on into it (Pérez et al. 2003).
        """
        copy, weight = self._copy(picture, self._moves(found))
        side = min(MATCHED, picture.shape[-1])
        there = (weight > 0.9).float() * (1 - hole)
        share = resize(there, side)
        apart = resize((picture - copy) * there, side) / share.clamp(min=1e-3)
        change = going_on(apart, share * alike(apart, LIGHT), REACHES)
        return torch.where(weight > 0.01, copy + resize(change, picture.shape[-1]), guide).clamp(-1, 1)

    def _moves(self, found: Tensor) -> Tensor:
        """How far away each wanted pixel was found, in half sides, and 1 (1, 3, s, s); so are the pixels around them, as the
        nearest ones are."""
        side = self.side
        moves = torch.zeros(3, side * side)
        moves[0, self.wanted] = ((found % side) - (self.wanted % side)) * 2 / side
        moves[1, self.wanted] = ((found // side) - (self.wanted // side)) * 2 / side
        moves[2, self.wanted] = 1
        moves = moves.view(1, 3, side, side)
        for _ in range(AROUND):
            for down, right in ((0, 1), (0, -1), (1, 0), (-1, 0)):
                moves = torch.where(moves[:, 2:] > 0, moves, moves.roll((down, right), (2, 3)))
        return moves

    def _copy(self, picture: Tensor, moves: Tensor) -> tuple[Tensor, Tensor]:
        """The copy (1, 3, S, S), and how far there is one (1, 1, S, S)."""
        large, side = picture.shape[-1], self.side
        at = (torch.arange(large) + 0.5) / large * side - 0.5
        first, share = at.floor(), at - at.floor()
        here = torch.stack(torch.meshgrid(at, at, indexing="xy"), -1)[None] * 2 / side + 1 / side - 1
        total, weight = torch.zeros_like(picture), torch.zeros_like(picture[:, :1])
        for down, high in ((0, 1 - share), (1, share)):
            for right, wide in ((0, 1 - share), (1, share)):
                y, x = ((first + step).clamp(0, side - 1).long() for step in (down, right))
                move = moves[:, :, y][:, :, :, x]
                counts = high[:, None] * wide * move[:, 2:]
                total += counts * sampled(picture, here + move[:, :2].permute(0, 2, 3, 1))
                weight += counts
        return total / weight.clamp(min=0.01), weight

    def _laid(self, filling: Tensor) -> Tensor:
        copy = self.picture.flatten(2).clone()
        copy[..., self.wanted] = filling.flatten(2)[..., self.wanted]
        return copy.view_as(self.picture)

    def _stepped(self, pixels: Tensor, down: Tensor | int, right: Tensor | int) -> Tensor:
        side = self.side
        return (pixels // side + down).clamp(0, side - 1) * side + (pixels % side + right).clamp(0, side - 1)

    def _counts(self) -> Tensor:
        """How much each value of the wanted patches counts, (W, 3 * PATCH²), 1 in sum: what a face hides counts nothing."""
        shown = _patches(self.shown)[self.wanted].repeat(1, 3)
        counts: Tensor = shown / shown.sum(1, keepdim=True).clamp(min=1)
        return counts

    @staticmethod
    def _colours(picture: Tensor) -> Tensor:
        return picture[0].flatten(1).T


def _patches(picture: Tensor) -> Tensor:
    """(1, C, s, s) -> (s * s, C * PATCH²)."""
    return F.unfold(F.pad(picture, (REACH,) * 4, mode="replicate"), PATCH)[0].T


def _over_channels(patches: Tensor) -> Tensor:
    """Sums (N, PATCH²) over the channels of patches (N, C * PATCH²)."""
    return patches.view(len(patches), -1, PATCH**2).sum(1)


def _reduced(picture: Tensor, side: int) -> Tensor:
    return F.interpolate(picture, size=(side, side), mode="area")
