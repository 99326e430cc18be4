"""What is laid into a photo has its light, and meets it at the hole's edge."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from unveilify.core.mesh import surface
from unveilify.models.layers.blank import _halved
from unveilify.models.layers.candidates import Shown
from unveilify.models.layers.grain import grained
from unveilify.models.layers.hole import averaged, eyes, grown, inside, soften
from unveilify.models.layers.light import as_grey, as_sharp, joined, lit, met
from unveilify.models.layers.warp import gaussian

SIDE = 128


def square(top: int, bottom: int, left: int = 32, right: int = 96) -> Tensor:
    area = torch.zeros(1, 1, SIDE, SIDE)
    area[..., top:bottom, left:right] = 1
    return area


def skin(level: float) -> Tensor:
    return torch.full((1, 3, SIDE, SIDE), level)


@pytest.mark.parametrize("apart", [-0.3, -0.1, 0.2])
def test_skin_goes_over_into_skin_at_the_edge_and_far_inside_little_changes(apart: float) -> None:
    hole, everywhere = square(64, 128, 0, 128), torch.ones(1, 1, SIDE, SIDE)
    photo = skin(0.1)
    shown = Shown(skin(0.1 + apart), everywhere, everywhere)
    there = joined(shown, photo, hole).picture[0, 0, :, 64]
    assert abs(float(there[65]) - 0.1) < 0.25 * abs(apart)
    assert abs(float(there[127]) - 0.1 - apart) < 0.1 * abs(apart)
    steps = (there[64:] - there[63:-1]).abs()
    assert steps.max() < 0.1 * abs(apart), "a line is seen"


def test_where_the_edge_crosses_no_skin_that_both_show_nothing_changes() -> None:
    hole = square(64, 128, 0, 128)
    shown = Shown(skin(0.3), hole, hole)
    assert torch.allclose(joined(shown, skin(0.0), hole).picture, shown.picture, atol=1e-6)
    white = joined(Shown(skin(0.9), hole * 0 + 1, hole * 0 + 1), skin(-0.9), hole).picture
    assert (white - 0.9).abs().max() < 0.02, "a wall beside a face is no light"


def test_light_goes_on_into_the_hole() -> None:
    hole, everywhere = square(48, 112), torch.ones(1, 1, SIDE, SIDE)
    photo = skin(0.0) + torch.linspace(-0.1, 0.1, SIDE)
    shown = lit(Shown(skin(0.0), everywhere, everywhere), photo, hole)
    assert (shown.picture - photo).abs().max() < 0.04


def face() -> Tensor:
    mean = torch.from_numpy(surface().mean).float()
    return (0.25 * mean + torch.tensor([0.5, 0.4, 0.0]))[None]


def test_the_hole_spares_the_eyes_unless_the_mask_surely_lies_on_them() -> None:
    lids = eyes(face(), torch.zeros(1, 1, SIDE, SIDE))
    assert 0.005 < lids.mean() < 0.04
    found = square(48, 110, 20, 108) * 0.6
    hole, alpha = soften(found, 0.05, face())
    assert (hole * lids).sum() == 0
    assert (alpha * lids).sum() == 0
    without, _ = soften(found, 0.05)
    over = inside(face(), found)
    assert torch.equal(torch.maximum(hole, lids * without) * over, without * over)
    sure, alpha = soften(found / 0.6, 0.0, face())
    assert ((sure > 0) >= (found > 0)).all()
    assert (alpha[found > 0] == 1).all()


def test_beside_the_face_the_hole_is_hardly_wider_than_the_mask() -> None:
    found = square(60, 110, 4, 124)
    hole, _ = soften(found, 0.05, face())
    without, _ = soften(found, 0.05)
    beside = 1 - inside(face(), found)
    assert (hole * beside).sum() < (without * beside).sum()
    assert (hole >= found).all()


def test_what_is_sharper_than_the_photo_is_blurred_as_far_and_what_is_not_stays() -> None:
    hole, everywhere = square(64, 128, 0, 128), torch.ones(1, 1, SIDE, SIDE)
    lines = 0.5 * torch.randn(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(2))
    photo = gaussian(lines, 2.0)
    shown = as_sharp(Shown(lines, everywhere, everywhere), photo, hole).picture
    apart = (shown - shown.roll(1, 3))[..., 1:].std() / (photo - photo.roll(1, 3))[..., 1:].std()
    assert 0.7 < float(apart) < 1.3
    assert torch.equal(as_sharp(Shown(photo, everywhere, everywhere), lines, hole).picture, photo)


def test_grown_reaches_as_far_as_it_says() -> None:
    area = torch.zeros(1, 1, 32, 32)
    area[..., 10, 20] = 1
    assert grown(area, 3).nonzero()[:, 2:].tolist() == [[y, x] for y in range(7, 14) for x in range(17, 24)]


@pytest.mark.parametrize("reach", [1, 2, 5, 11])
def test_what_is_around_a_pixel_is_what_torchs_pools_find_there(reach: int) -> None:
    area = torch.rand(2, 3, 40, 33, generator=torch.Generator().manual_seed(reach))
    width = 2 * reach + 1
    assert torch.equal(grown(area, reach), F.max_pool2d(F.pad(area, (reach,) * 4, value=-1), width, 1))
    torch.testing.assert_close(averaged(area, reach), F.avg_pool2d(area, width, 1, reach))


@pytest.mark.parametrize("side", [128, 37])
def test_blank_halves_as_torchs_pool_does(side: int) -> None:
    picture = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(side))
    torch.testing.assert_close(_halved(picture), F.adaptive_avg_pool2d(picture, -(-side // 2)))


@pytest.mark.parametrize("apart", [-1.2, 0.2, 1.5])
def test_no_line_is_left_whatever_meets_at_the_edge(apart: float) -> None:
    hole = square(64, 128, 0, 128)
    photo = skin(-apart / 2)
    fill = met(skin(apart / 2), photo, hole)[0, 0, :, 64]
    assert float((fill[64] + apart / 2).abs()) < 0.25 * abs(apart)
    assert (fill[64:] - fill[63:-1]).abs().max() < 0.35 * abs(apart)
    assert float((fill[77:] - apart / 2).abs().max()) < 0.02 * abs(apart), "it fades within a tenth of the side"


def test_a_smooth_cheek_below_a_rough_one_gets_grain_and_a_rough_one_none() -> None:
    hole, everywhere = square(64, 128, 0, 128), torch.ones(1, 1, SIDE, SIDE)
    rough = skin(0.1) + 0.05 * torch.randn(1, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    made = grained(skin(0.1), rough, hole, everywhere)
    inside = made[0, 0, 70:]
    assert 0.01 < float(inside.std()) < 0.05
    assert torch.equal(made[..., :64, :], skin(0.1)[..., :64, :])
    assert torch.equal(grained(skin(0.1), rough, hole, everywhere), made), "always the same"
    more = (grained(rough, rough, hole, everywhere) - rough).std()
    assert more < 0.2 * (made - skin(0.1)).std(), "it is rough enough"
    assert torch.equal(grained(skin(0.1), skin(0.1), hole, everywhere), skin(0.1))
    small = [x[..., ::2, ::2] for x in (skin(0.1), rough, hole, everywhere)]
    assert torch.equal(grained(*small), small[0]), "in a small picture lips are as fine as grain"


def test_what_is_laid_into_a_grey_photo_is_grey() -> None:
    hole = square(64, 128, 0, 128)
    grey = 0.02 * torch.randn(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(2)) + 0.2
    red = torch.tensor([0.5, -0.2, -0.3])[None, :, None, None].expand(1, 3, SIDE, SIDE)
    assert as_grey(red, grey, hole).std(1).max() == 0
    assert torch.equal(as_grey(red, red, hole), red)
    two = as_grey(torch.cat([red, red]), torch.cat([grey, red]), hole.expand(2, -1, -1, -1))
    assert torch.equal(two[1], red[0])
    assert two[0].std(0).max() == 0
