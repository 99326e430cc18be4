"""unveilify-plus: find the mask, place what is known of the person, paint the rest.

What we ship. Three things in a row, of which only the first and the last are learned:

1. *find*: where is the mask? What lies there is blanked: nothing after this step ever sees the cloth, so the result
   cannot depend on it.
2. *place*: every photo of the person is laid rigidly, by its mesh, into the pose of the masked face; so is a face that is
   nobody's, predicted from the upper half. These are pictures at their own resolution.
3. *paint*: a small network looks at the blanked photo beside the placed pictures and what patches of the photo itself make
   of the rest, and says how to light them, how to move them a little, and whether to trust the photos or nobody's face.

All that it says is smooth, so one small network serves photos of any size, and the result is as sharp as what is
placed: it draws no line of its own. Outside the hole the photo is untouched, exactly.
"""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from unveilify.core import mesh
from unveilify.models.contract import Batch, Output, Recipe, Sized
from unveilify.models.layers import shipped
from unveilify.models.layers.beside import beside
from unveilify.models.layers.candidates import Shown, Source, from_photos, from_prior, show
from unveilify.models.layers.complete import QUICK, STEPS
from unveilify.models.layers.face_prior import FacePrior
from unveilify.models.layers.found import wanted
from unveilify.models.layers.hole import laid_over, soften
from unveilify.models.layers.layers import full_precision, scaled
from unveilify.models.layers.light import as_sharp, grained, joined, lit, met
from unveilify.models.layers.patchgan import PatchGAN, first_identity
from unveilify.models.layers.placing import Window, at
from unveilify.models.layers.practice import nearer, other_references
from unveilify.models.layers.resunet import ResUNet, head
from unveilify.models.layers.warp import resize
from unveilify.models.sides import PowerOfTwo
from unveilify.models.zoo.find import Config as FindConfig
from unveilify.models.zoo.find import Network as Finder

USES_HOLE = False
TRAINS = True
RECIPE = Recipe(
    lpips=1.0,
    identity=0.2,
    identity_from=0.2,
    identity_rough=True,
    adversarial=0.03,
    adversarial_from=0.5,
    gan="hinge",
    r1=1.0,
    lr_g=7e-4,
    lr_d=4e-4,
    betas=(0.9, 0.99),
    cosine=True,
    best_by=("lpips", "identity"),
)

WINDOW = Window(left=0.125, top=0.25, side=0.75)
"""The part of the face crop that is looked at and painted; what of a hole lies around it, strap ends, is only blanked."""
PAINTER = (48, 96, 144, 192, 224)
"""Channels per level at width 1, finest first; the finest is half the side at which the painter looks."""
FLOW_LEVEL, LIGHT_LEVEL = 1, 3
"""The flow, and the light beside the face, are said at a quarter of that side, the light of faces at a sixteenth: finer light
is a stain."""
FLOW, GAIN, BIAS = 0.12, 0.6, 0.3
"""Largest flow in half sides of the window, largest logarithm of a gain, largest shift of a colour on [-1, 1]."""
SURE = 4.0
"""How much more a logit of the blend is where a picture is to be seen at the start of the training."""
FADE = 0.05
"""Share of the window's side over which what is painted fades out towards its edges."""
INPUTS = 3 + 1 + 3 + 2 + 3 + 3 + 1


class Config(Sized):
    """Shape of the network."""

    size_px: PowerOfTwo = Field(256, description="side of the square picture in pixels: a power of two, at least 32")
    width: float = Field(1.0, gt=0, le=16, description="channel multiplier of the painter")
    look_px: int = Field(96, ge=32, multiple_of=32, description="side at which the painter looks at its window")
    widen: float = Field(0.02, ge=0, le=0.1, description="the hole is the mask widened by this share of the side")
    reference_dropout: float = Field(
        0.15, ge=0, lt=1, description="share of training photos shown without any reference"
    )
    wrong_reference: float = Field(
        0.05, ge=0, lt=1, description="share of training photos shown a stranger's reference"
    )
    colour_loss: float = Field(2.0, ge=0, description="weight of the difference, in the hole, of the blurred pictures")
    placed_loss: float = Field(0.5, ge=0, description="weight of the loss on the lit and moved placed pictures alone")
    flow_loss: float = Field(2.0, ge=0, description="weight of the flow's distance from where the truth's points lie")


@dataclass(frozen=True, slots=True)
class Fields:
    """What the painter says: ``flow`` (B, 4, l, l) in half sides, ``gain`` and ``bias`` (B, 6, m, m), first of the placed
    picture, then of nobody's face; ``shade`` (B, 3, l, l), a shift of the colours beside the face; ``blend`` (B, 2, L, L),
    shares of placed and nobody."""

    flow: Tensor
    gain: Tensor
    bias: Tensor
    shade: Tensor
    blend: Tensor


class Painter(nn.Module):
    """The U-Net that says the fields."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        channels = [scaled(c, config.width) for c in PAINTER]
        self.net = ResUNet(4 * INPUTS, channels)
        self.light = head(channels[LIGHT_LEVEL], 12)
        self.flow = head(channels[FLOW_LEVEL], 7)
        self.look = head(channels[0], 8, std=0.1)

    def forward(self, around: Tensor, hole: Tensor, placed: Shown, nobody: Shown, normals: Tensor) -> Fields:
        """Everything at the side L at which it looks."""
        known = torch.cat(
            [around, hole, placed.picture, placed.trust, placed.seen, nobody.picture, normals, nobody.seen], 1
        )
        features = self.net(F.pixel_unshuffle(known, 2))
        light, flow = self.light(features[LIGHT_LEVEL]).float(), self.flow(features[FLOW_LEVEL]).float()
        look = F.pixel_shuffle(self.look(features[0]).float(), 2)
        # It starts as `place`: the person's photos where they show something, else nobody's face.
        alone = 1 - 2 * placed.seen.amax((1, 2, 3), keepdim=True)
        start = SURE * torch.cat([placed.seen, alone * nobody.seen], 1)
        absent = torch.cat([1 - placed.seen, 1 - nobody.seen], 1)
        return Fields(
            flow=FLOW * torch.tanh(flow[:, :4]),
            gain=torch.exp(GAIN * torch.tanh(light[:, :6])),
            bias=BIAS * torch.tanh(light[:, 6:]),
            shade=BIAS * torch.tanh(flow[:, 4:]),
            blend=torch.softmax(smoothed(look + start - 20 * absent), 1),
        )


class Network(nn.Module):
    """Finder, prior and painter."""

    any_size = needs_values = lays_meshes = True

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.finder, self.prior = Finder(FindConfig()), FacePrior()
        shipped.give(self, "finder", "prior")
        self.painter = Painter(config)

    def forward(self, batch: Batch) -> Output:
        """Unmask photos of any side, at that side."""
        side, config = batch.masked.shape[-1], self.config
        hole, alpha = self._hole(batch)
        if self.training:
            batch = other_references(batch, config.reference_dropout, config.wrong_reference)
            batch = nearer(batch)
        photos = from_photos(batch, hole, config.look_px, WINDOW)
        nobody, normals = from_prior(batch, hole, config.look_px, WINDOW, self.prior)
        nobody = nobody.within(photos)
        around = self._beside(batch, hole, photos, nobody)
        fields = self._look(around, hole, photos, nobody, normals)
        fill, terms = self._render(batch, around, hole, photos, nobody, fields)
        blend = (fields.blend * resize(WINDOW.cut(hole), config.look_px)).sum((0, 2, 3))
        shares = blend / blend.sum().clamp(min=1e-6)
        return Output(
            image=laid_over(batch.masked, alpha, fill),
            alpha=alpha,
            terms=terms,
            weights={"colour": config.colour_loss, "placed": config.placed_loss, "flow": config.flow_loss},
            focus=WINDOW.box(side),
            logs={
                "flow_px": fields.flow.detach()[:, :2].square().sum(1).sqrt().mean() * side * WINDOW.side / 2,
                "share_placed": shares[0].detach(),
                "share_nobody": shares[1].detach(),
            },
        )

    def _hole(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Where nothing may be seen (B, 1, S, S), 0 or 1, and the soft alpha in it with which the result is laid over."""
        widen = self.config.widen
        if self.training and batch.unmasked is not None:  # of a real photo nobody knows the hole
            return soften(wanted(batch.hole), widen * (0.5 + 1.5 * float(torch.rand(()))), batch.landmarks)
        found = self.finder.alpha(batch.masked, batch.landmarks)
        return soften(found, widen, batch.landmarks)

    def _beside(self, batch: Batch, hole: Tensor, photos: list[Source], nobody: Source) -> Tensor:
        """The photo (B, 3, S, S) with the hole filled as if there were no face in it."""
        side = batch.masked.shape[-1]
        seen = torch.stack([source.seen for source in (*photos, nobody)]).amax(0)
        face = WINDOW.back((resize(seen, WINDOW.box(side)[2]) > 0.5).float(), side)
        return beside(batch, hole, photos, nobody, face, WINDOW, QUICK if self.training else STEPS)

    def _look(self, masked: Tensor, hole: Tensor, photos: list[Source], nobody: Source, normals: Tensor) -> Fields:
        look = self.config.look_px
        small = [resize(WINDOW.cut(x), look) for x in (masked, hole)]
        reduced = [source.reduced(round(look / WINDOW.side)) for source in photos]
        shown = (joined(lit(show(sources, masked, look), *small), *small) for sources in (reduced, [nobody]))
        fields: Fields = self.painter(*small, *shown, normals)
        return fields

    def _render(
        self, batch: Batch, masked: Tensor, hole: Tensor, photos: list[Source], nobody: Source, fields: Fields
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The filled picture (B, 3, S, S) at the photo's own side, and in training its losses."""
        side = masked.shape[-1]
        window = WINDOW.box(side)[2]
        gain, bias, blend = (resize(x, window) for x in (fields.gain, fields.bias, fields.blend))
        around, inner = WINDOW.cut(masked), WINDOW.cut(hole)
        known, trusts = [], []
        for sources, flow, part in ((photos, fields.flow[:, :2], PLACED), ([nobody], fields.flow[:, 2:], NOBODY)):
            shown = show(sources, masked, window, flow)
            shown = lit(shown if self.training else as_sharp(shown, around, inner), around, inner)
            shown = replace(shown, picture=shown.picture * gain[:, part] + bias[:, part])
            edge = shown.feathered()
            trusts.append(shown.trust)
            known.append((joined(shown, around, inner).picture, edge))
        (placed, sure), (nobodys, unsure) = known
        behind = around + resize(fields.shade, window)
        face = blend[:, :1] * placed + blend[:, 1:] * nobodys
        inside = behind + torch.maximum(sure, unsure) * (face - behind)
        fill = masked + WINDOW.back(fading(inside - around), side)
        if not self.training or batch.unmasked is None:
            photo = batch.masked.float()
            smooth = WINDOW.back(unsure * (1 - trusts[0]), side)
            return grained(met(fill, photo, hole), photo, hole, smooth), {}
        return fill, self._terms(batch, hole, known, fill) | self._flow_term(batch, photos, nobody, fields.flow)

    def _terms(self, batch: Batch, hole: Tensor, known: list[tuple[Tensor, Tensor]], fill: Tensor) -> dict[str, Tensor]:
        """The colours of the result, and each known picture alone: it must not live by the others' grace."""
        assert batch.unmasked is not None
        truth = batch.unmasked.float()
        with full_precision(fill):
            inside, true = WINDOW.cut(hole), WINDOW.cut(truth)
            alone = [
                coarse_error(picture - true, inside * seen, 8) + coarse_error(picture - true, inside * seen, 48) / 2
                for picture, seen in known
            ]
            return {
                "colour": coarse_error(fill - truth, hole, 16),
                "placed": torch.stack(alone).sum(),
            }

    def _flow_term(self, batch: Batch, photos: list[Source], nobody: Source, flow: Tensor) -> dict[str, Tensor]:
        """Where the truth shows a point of the lower face, the first reference's own point is to be fetched, and nobody's."""
        true = batch.unmasked_landmarks
        if true is None or true.shape[1] != mesh.POINTS:
            return {}
        points = mesh.surface().hidden
        true = true[:, points, :2].float()
        places = (true - true.new_tensor([WINDOW.left, WINDOW.top])) / WINDOW.side
        errors = []
        for source, there in ((photos[:1], flow[:, :2]), ([nobody], flow[:, 2:])):
            for one in source:
                goal = (2 / WINDOW.side * (one.placement.points[:, points] - true)).clamp(-FLOW, FLOW)
                apart = (at(there, places) - goal.transpose(1, 2)).abs().mean(1)
                errors.append((apart * at(one.placement.trust, places)[:, 0]).nan_to_num(0.0).mean())
        return {"flow": torch.stack(errors).sum()}


def fading(picture: Tensor) -> Tensor:
    """(B, C, s, s) that falls to 0 over the last `FADE` of its side at each edge: no line where the window ends."""
    side = picture.shape[-1]
    steps = (torch.arange(side, device=picture.device) + 0.5) / side
    ramp = (torch.minimum(steps, 1 - steps) / FADE).clamp(max=1)
    return picture * ramp * ramp[:, None]


def smoothed(picture: Tensor) -> Tensor:
    """(B, C, s, s) under a small bell (1, 2, 1): enlarged, a pattern from pixel to pixel would be a grid on the skin."""
    bell = picture.new_tensor([0.25, 0.5, 0.25])
    kernel = torch.outer(bell, bell).expand(picture.shape[1], 1, 3, 3)
    return F.conv2d(F.pad(picture, (1, 1, 1, 1), mode="replicate"), kernel, groups=picture.shape[1])


PLACED, NOBODY = slice(0, 3), slice(3, 6)


def coarse_error(error: Tensor, where: Tensor, cells: int) -> Tensor:
    """L1 of (B, 3, S, S) where (B, 1, S, S), after means over ``cells`` × ``cells`` squares: colours and light without
    lines, which nobody can predict to the pixel. A mean over samples of each one's own mean."""
    step = max(1, error.shape[-1] // cells)
    area = F.avg_pool2d(where, step).sum((1, 2, 3))
    each = F.avg_pool2d(error * where, step).abs().sum((1, 2, 3)) / (3 * area).clamp(min=1)
    return each.mean()


def discriminator(config: Config) -> nn.Module:
    """The conditional PatchGAN; it begins when the picture is nearly right. Half as wide as the paper's, which costs less
    than half a step and judges as well."""
    return PatchGAN(config.size_px, 0.5, first_identity)
