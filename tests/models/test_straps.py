"""Thin lines that begin at the cloth and go on beside the face are straps."""

import torch
from torch import Tensor

from unveilify.core.mesh import surface
from unveilify.models.layers.straps import straps

SIDE = 320
SKIN, WHITE, BLACK = (0.5, 0.1, -0.1), (0.9, 0.9, 0.9), (-0.95, -0.95, -0.95)


def face() -> Tensor:
    return (0.2 * torch.from_numpy(surface().mean).float() + torch.tensor([0.5, 0.35, 0.0]))[None]


def painted(picture: Tensor, colour: tuple[float, ...], rows: slice, columns: slice) -> None:
    picture[0, :, rows, columns] = torch.tensor(colour)[:, None, None]


def photo(cloth: tuple[float, ...]) -> tuple[Tensor, Tensor]:
    """Skin everywhere, a mask, and what was found of it."""
    picture = torch.tensor(SKIN)[None, :, None, None].expand(1, 3, SIDE, SIDE).clone()
    found = torch.zeros(1, 1, SIDE, SIDE)
    found[..., 140:220, 90:230] = 1
    painted(picture, cloth, slice(140, 220), slice(90, 230))
    return picture, found


def test_a_white_strap_is_found_and_skin_is_not() -> None:
    picture, found = photo(WHITE)
    painted(picture, WHITE, slice(146, 150), slice(60, 90))
    lines = straps(picture, found, face())
    assert lines[..., 146:150, 62:88].mean() > 0.9
    assert lines.sum() < 1.5 * 4 * 30


def test_a_black_strap_is_one_of_black_cloth_alone() -> None:
    for cloth, wanted in ((BLACK, True), (WHITE, False)):
        picture, found = photo(cloth)
        painted(picture, BLACK, slice(146, 150), slice(56, 90))
        assert bool(straps(picture, found, face()).any()) == wanted


def test_what_does_not_begin_at_the_cloth_or_is_as_saturated_as_skin_or_lies_below_is_none() -> None:
    picture, found = photo(WHITE)
    painted(picture, WHITE, slice(100, 104), slice(30, 60))  # far off
    painted(picture, (0.9, 0.4, 0.2), slice(146, 150), slice(60, 90))  # an ear's rim in the light
    painted(picture, WHITE, slice(220, 260), slice(150, 154))  # a collar
    assert straps(picture, found, face()).sum() == 0


def test_without_a_mesh_nothing_is_looked_for() -> None:
    picture, found = photo(WHITE)
    painted(picture, WHITE, slice(146, 150), slice(60, 90))
    assert straps(picture, found, None).sum() == 0
    assert straps(picture, found, torch.full((1, 468, 3), torch.nan)).sum() == 0
