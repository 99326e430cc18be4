"""Below a chin there is a neck, where nothing else is seen."""

import torch
from torch import Tensor

from unveilify.core.mesh import surface
from unveilify.models.layers.hole import inside
from unveilify.models.layers.neck import Neck, neck

SIDE, SKIN = 128, torch.tensor([[0.3, 0.0, -0.2]])


def face() -> Tensor:
    return (0.2 * torch.from_numpy(surface().mean).float() + torch.tensor([0.5, 0.3, 0.0]))[None]


def below(photo: Tensor, hole: Tensor) -> Neck:
    return neck(photo, hole, face(), inside(face(), hole), SKIN)


def lower_half(colour: float) -> tuple[Tensor, Tensor]:
    """A photo of one colour below a mask that ends at the middle of the neck, and the hole."""
    hole = torch.zeros(1, 1, SIDE, SIDE)
    hole[..., 48:100, 16:112] = 1
    return torch.full((1, 3, SIDE, SIDE), colour), hole


def test_it_is_skin_darker_than_the_jaw_and_darkest_under_it() -> None:
    photo, hole = lower_half(-1.0)
    there = below(photo, hole)
    down = there.picture[0, :, 85:92, 64]
    assert (down < SKIN[0][:, None] + 0.01).all()
    assert (down[:, 0] < down[:, -1]).all()
    assert float(there.share[0, 0, 88, 64]) > 0.9
    assert float(there.share[0, 0, 88, 20]) < 0.05, "there is no neck beside the neck"


def test_where_clothes_are_seen_it_ends_and_where_skin_is_seen_it_goes_on_in_its_light() -> None:
    clothes, hole = lower_half(-1.0)
    assert float(below(clothes, hole).share[0, 0, 99, 64]) < 0.2
    lit = SKIN[..., None, None].expand(1, 3, SIDE, SIDE) - 0.1
    there = below(lit, hole)
    assert float(there.share[0, 0, 99, 64]) > 0.9
    torch.testing.assert_close(there.picture[0, :, 99, 64], lit[0, :, 99, 64], atol=0.1, rtol=0)


def test_without_a_mesh_there_is_none() -> None:
    photo, hole = lower_half(0.0)
    there = neck(photo, hole, torch.full((1, 468, 3), torch.nan), torch.zeros_like(hole), SKIN)
    assert float(there.share.max()) < 1e-3
    assert bool(there.picture.isfinite().all())
