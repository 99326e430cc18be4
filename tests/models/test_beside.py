"""What was painted beside a face is shown by patches of the photo that are like it."""

import torch
from torch import Tensor

from unveilify.models.layers.beside import textured
from unveilify.models.layers.warp import gaussian


def wall(side: int) -> Tensor:
    """Fine stripes, dark on the left and bright on the right."""
    x = torch.arange(side).float()
    stripes = 0.15 * torch.sign(torch.sin(x * 1.5)) + 0.6 * torch.sign(x - side / 2) - 0.1
    return stripes.expand(1, 3, side, side).clone()


def hole_of(side: int) -> Tensor:
    hole = torch.zeros(1, 1, side, side)
    hole[..., side // 3 : 2 * side // 3, side // 3 : 2 * side // 3] = 1
    return hole


def test_paint_gets_the_texture_of_what_is_like_it() -> None:
    truth, hole = wall(96), hole_of(96)
    painted = truth + hole * (gaussian(truth, 3) - truth)
    shown = textured(truth * (1 - hole), hole, painted, 0 * hole)
    assert (shown - truth).abs().mean() < 0.7 * (painted - truth).abs().mean()
    assert torch.equal(shown[(hole == 0).expand_as(shown)], painted[(hole == 0).expand_as(shown)])


def test_a_net_of_the_same_colour_is_no_neck() -> None:
    photo, hole = 4 * wall(96) * (torch.arange(96) < 48), hole_of(96)
    smooth = photo + hole * (gaussian(photo, 4) - photo)
    shown = textured(photo, hole, smooth, 0 * hole)
    middle = (slice(None), slice(None), slice(40, 56), slice(34, 42))
    torch.testing.assert_close(shown[middle], smooth[middle], atol=0.15, rtol=0)


def test_where_nothing_is_like_it_and_on_the_face_the_paint_stays() -> None:
    photo, hole = wall(96), hole_of(96)
    red = torch.tensor([1.0, -1.0, -1.0])[None, :, None, None].expand(1, 3, 96, 96)
    painted = photo + hole * (red - photo)
    middle = (slice(None), slice(None), slice(40, 56), slice(40, 56))
    torch.testing.assert_close(textured(photo, hole, painted, 0 * hole)[middle], painted[middle], atol=0.1, rtol=0)
    grey = photo * (1 - hole)
    torch.testing.assert_close(textured(photo, hole, grey, hole)[middle], grey[middle])
