"""unveilify-plus: find the mask, place what is known of the person, paint the rest.

What we ship. Three things in a row, of which only the first and the last are learned:

1. *find*: where is the mask? What lies there is blanked: nothing after this step ever sees the cloth, so the result
   cannot depend on it.
2. *place*: photos of the person are laid rigidly, by their meshes, into the pose of the masked face, and where they show
   nothing a face that is nobody's, predicted from the upper half; beside it a rough neck, and what goes on smoothly from
   around. As in `place`, at the photo's own resolution.
3. *paint*: a small network looks at that and says how to light the face and how to move it a little, changes the
   colours of the face smoothly, and paints over what does not fit beside it: a jaw that joins no neck, a collar.

What is painted is as fine as what the network looks at; where it paints much, what was laid keeps no finer lines, and beside
the face patches of the photo that are like the paint are shown in its place. All else stays as sharp as it was laid. Outside
the hole the photo is untouched, exactly.

Without a photo of the person nothing is painted unless asked (``alone``): strict eyes prefer what is laid to it.
"""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from unveilify.core import mesh
from unveilify.models.contract import Batch, Output, Recipe, Sized
from unveilify.models.layers import shipped
from unveilify.models.layers.beside import textured
from unveilify.models.layers.candidates import Source, from_photos, from_prior
from unveilify.models.layers.face_prior import FacePrior
from unveilify.models.layers.found import wanted
from unveilify.models.layers.hole import laid_over, soften
from unveilify.models.layers.laid import Laid, finished, lay_out
from unveilify.models.layers.layers import full_precision, scaled
from unveilify.models.layers.patchgan import PatchGAN, first_identity
from unveilify.models.layers.placing import Window, at
from unveilify.models.layers.practice import nearer, other_references
from unveilify.models.layers.resunet import ResUNet, head
from unveilify.models.layers.warp import blurred, resize, warp
from unveilify.models.sides import PowerOfTwo
from unveilify.models.zoo.find import Config as FindConfig
from unveilify.models.zoo.find import Network as Finder
from unveilify.models.zoo.place import filled

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
"""The part of the face crop that is looked at and painted; what of a hole lies around it, strap ends, is only filled."""
PAINTER = (48, 96, 144, 192, 224)
"""Channels per level at width 1, finest first; the finest is half the side at which the painter looks."""
FLOW_LEVEL, LIGHT_LEVEL = 1, 3
"""The flow is said at a quarter of that side, the light at a sixteenth: finer light is a stain."""
FLOW, GAIN, BIAS = 0.12, 0.6, 0.3
"""Largest flow in half sides of the window, largest logarithm of a gain, largest shift of a colour on [-1, 1]."""
ERASED, SHADE = 0.25, 0.05
"""How far paint takes a colour on [-1, 1] where it leaves nothing of the finer lines that were laid beside the face; and how
smooth it is on the face, as a standard deviation in sides of the window."""
FINER = 1.5
"""How much finer a photo must be than what is painted for patches of it to be worth their time."""
DRAWN = 256
"""Side at which meshes are drawn, but in training that at which the painter looks."""
FADE = 0.05
"""Share of the window's side over which what is painted fades out towards its edges."""
INPUTS = 3 + 3 + 1 + 1 + 1 + 3


class Config(Sized):
    """Shape of the network."""

    size_px: PowerOfTwo = Field(256, description="side of the square picture in pixels: a power of two, at least 32")
    width: float = Field(1.0, gt=0, le=16, description="channel multiplier of the painter")
    look_px: int = Field(96, ge=32, multiple_of=32, description="side at which the painter looks at its window")
    alone: bool = Field(
        False, description="paint where no photo of the person is given, too; else it stays as `place` leaves it"
    )
    widen: float = Field(0.015, ge=0, le=0.1, description="the hole is the mask widened by this share of the side")
    reference_dropout: float = Field(
        0.4, ge=0, lt=1, description="share of training photos shown without any reference"
    )
    wrong_reference: float = Field(
        0.05, ge=0, lt=1, description="share of training photos shown a stranger's reference"
    )
    colour_loss: float = Field(2.0, ge=0, description="weight of the difference, in the hole, of the blurred pictures")
    placed_loss: float = Field(0.5, ge=0, description="weight of the loss on the lit and moved face alone")
    flow_loss: float = Field(2.0, ge=0, description="weight of the flow's distance from where the truth's points lie")


@dataclass(frozen=True, slots=True)
class Fields:
    """What the painter says: ``flow`` (B, 2, l, l) in half sides and ``gain`` and ``bias`` (B, 3, m, m) of the face;
    ``paint`` (B, 3, L, L), a change of the colours of all."""

    flow: Tensor
    gain: Tensor
    bias: Tensor
    paint: Tensor


class Painter(nn.Module):
    """The U-Net that says the fields."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        channels = [scaled(c, config.width) for c in PAINTER]
        self.net = ResUNet(4 * INPUTS, channels)
        self.light = head(channels[LIGHT_LEVEL], 6)
        self.flow = head(channels[FLOW_LEVEL], 2)
        self.paint = head(channels[0], 12)

    def forward(self, seen: Tensor) -> Fields:
        """(B, INPUTS, L, L) of the side L at which it looks."""
        features = self.net(F.pixel_unshuffle(seen, 2))
        light, flow = self.light(features[LIGHT_LEVEL]).float(), self.flow(features[FLOW_LEVEL]).float()
        paint = F.pixel_shuffle(self.paint(features[0]).float(), 2)
        return Fields(
            flow=FLOW * torch.tanh(flow),
            gain=torch.exp(GAIN * torch.tanh(light[:, :3])),
            bias=BIAS * torch.tanh(light[:, 3:]),
            paint=smoothed(torch.tanh(paint)),
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
        config = self.config
        hole, alpha = self._hole(batch)
        always, painted = self.training or config.alone, batch.real > 0
        if not always and not painted.any():
            return Output(laid_over(batch.masked, alpha, filled(batch, hole, [], self.prior, DRAWN)), alpha)
        if self.training:
            batch = nearer(other_references(batch, config.reference_dropout, config.wrong_reference))
        drawn = config.look_px if self.training else DRAWN
        photos = from_photos(batch, hole, drawn, WINDOW)
        nobody, normals = from_prior(batch, hole, drawn, WINDOW, self.prior)
        laid = lay_out(batch, hole, photos, nobody, WINDOW, steps=(), sharp=self.training)
        fields = self._look(laid, hole, normals)
        # Of nobody's jaw it is known as well where it is as it can be: moved by what is likely it is a mean of jaws, too wide.
        fields = replace(fields, flow=fields.flow * (batch.real > 0).to(fields.flow)[:, None, None, None])
        face, fill = self._render(laid, fields)
        terms = {}
        if self.training and batch.unmasked is not None:
            terms = self._terms(batch, hole, face, fill) | self._flow_term(batch, photos, fields.flow)
        else:
            photo = batch.masked.float()
            share, smooth = (WINDOW.back(x, photo.shape[-1]) for x in (face[1], laid.share * (1 - laid.face.trust)))
            if WINDOW.side * photo.shape[-1] > FINER * config.look_px:
                fill = textured(photo, hole, fill, share)
            fill = finished(fill, photo, hole, smooth)
            if not always and not painted.all():
                alone = filled(batch, hole, [], self.prior, DRAWN)
                fill = torch.where(painted[:, None, None, None], fill, alone)
        return Output(
            image=laid_over(batch.masked, alpha, fill),
            alpha=alpha,
            terms=terms,
            weights={"colour": config.colour_loss, "placed": config.placed_loss, "flow": config.flow_loss},
            focus=WINDOW.box(fill.shape[-1]),
            logs={
                "flow_px": fields.flow.detach().square().sum(1).sqrt().mean() * fill.shape[-1] * WINDOW.side / 2,
                "paint": fields.paint.detach().abs().mean(),
            },
        )

    def _hole(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Where nothing may be seen (B, 1, S, S), 0 or 1, and the soft alpha in it with which the result is laid over."""
        widen = self.config.widen
        if self.training and batch.unmasked is not None:  # of a real photo nobody knows the hole
            return soften(wanted(batch.hole), widen * (0.5 + 1.5 * float(torch.rand(()))), batch.landmarks)
        return soften(self.finder.alpha(batch.masked, batch.landmarks), widen, batch.landmarks)

    def _look(self, laid: Laid, hole: Tensor, normals: Tensor) -> Fields:
        behind, face = WINDOW.cut(laid.behind), laid.face
        under = behind + laid.share * (face.picture - behind)
        seen = (under, behind, laid.share, face.trust, WINDOW.cut(hole), normals)
        fields: Fields = self.painter(torch.cat([resize(x, self.config.look_px) for x in seen], 1))
        return fields

    def _render(self, laid: Laid, fields: Fields) -> tuple[tuple[Tensor, Tensor], Tensor]:
        """The face, moved and lit (B, 3, s, s), and how far it covers what is behind (B, 1, s, s); and the filled picture
        (B, 3, S, S) at the photo's own side."""
        behind = WINDOW.cut(laid.behind)
        side, look = behind.shape[-1], self.config.look_px
        gain, bias = (resize(x, side) for x in (fields.gain, fields.bias))
        moved = warp(torch.cat([laid.face.picture, laid.share], 1), fields.flow)
        picture, share = moved[:, :3] * gain + bias, moved[:, 3:]
        under = behind + share * (picture - behind)
        # A face has lines already, and those that are painted over them are a blur.
        shade = blurred(fields.paint, resize(share, look), SHADE * look, least=0.05)
        paint = (1 - share) * resize(fields.paint, side) + share * resize(shade, side)
        fine = under - resize(resize(under, look), side) if side > look else torch.zeros_like(under)
        erased = (1 - share) * (paint.detach().abs().amax(1, keepdim=True) / ERASED).clamp(max=1)
        inside = under + paint - erased * fine
        return (picture, share), laid.behind + WINDOW.back(fading(inside - behind), laid.behind.shape[-1])

    def _terms(self, batch: Batch, hole: Tensor, face: tuple[Tensor, Tensor], fill: Tensor) -> dict[str, Tensor]:
        """The colours of the result, and of the face alone: it must not live by the paint's grace."""
        assert batch.unmasked is not None
        truth, (picture, share) = batch.unmasked.float(), face
        hole = hole if batch.inside is None else hole * batch.inside
        with full_precision(fill):
            apart, where = picture - WINDOW.cut(truth), WINDOW.cut(hole) * share
            return {
                "colour": coarse_error(fill - truth, hole, 16),
                "placed": coarse_error(apart, where, 8) + coarse_error(apart, where, 48) / 2,
            }

    def _flow_term(self, batch: Batch, photos: list[Source], flow: Tensor) -> dict[str, Tensor]:
        """Where the truth shows a point of the lower face, the first reference's own point is to be fetched."""
        true = batch.unmasked_landmarks
        if true is None or true.shape[1] != mesh.POINTS:
            return {}
        points = mesh.surface().hidden
        true = true[:, points, :2].float()
        places = (true - true.new_tensor([WINDOW.left, WINDOW.top])) / WINDOW.side
        error = true.new_zeros(())
        for one in photos[:1]:
            goal = (2 / WINDOW.side * (one.placement.points[:, points] - true)).clamp(-FLOW, FLOW)
            apart = (at(flow, places) - goal.transpose(1, 2)).abs().mean(1)
            error = error + (apart * at(one.placement.seen, places)[:, 0]).nan_to_num(0.0).mean()
        return {"flow": error}


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
