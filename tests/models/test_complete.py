"""What a mask hid beside the face is filled with patches of the photo itself."""

import pytest
import torch
from torch import Tensor

from unveilify.models.layers.blank import blank
from unveilify.models.layers.complete import STEPS, _Level, _patches, completed

SIDE = 128


def square(top: int, bottom: int, left: int, right: int, side: int = SIDE) -> Tensor:
    hole = torch.zeros(1, 1, side, side)
    hole[..., top:bottom, left:right] = 1
    return hole


def stripes(side: int = SIDE, width: int = 8) -> Tensor:
    """Upright stripes with grain, as of a wall behind somebody."""
    bars = ((torch.arange(side) // width) % 2 * 1.2 - 0.6).expand(side, side)
    return (bars + 0.1 * torch.randn(side, side, generator=torch.Generator().manual_seed(1))).expand(1, 3, -1, -1)


def error(a: Tensor, b: Tensor, where: Tensor) -> float:
    return float(((a - b).abs().mean(1, keepdim=True) * where).sum() / where.sum())


def test_a_pattern_goes_on_where_a_smear_would_be() -> None:
    photo, hole = stripes(), square(52, 76, 40, 96)
    guide = blank(photo, hole)
    filled = completed(photo, hole, guide, 0 * hole)
    assert torch.equal(filled * (1 - hole), photo * (1 - hole)), "outside nothing changes"
    assert error(filled, photo, hole) < error(guide, photo, hole) / 2
    fine = filled[..., 1:, :] - filled[..., :-1, :]
    inside = hole[..., 1:, :]
    assert float((fine.abs() * inside).sum() / inside.sum()) > 0.05, "grain goes on"


def test_what_the_guide_says_is_there_is_made_of_what_is_like_it() -> None:
    photo = torch.full((1, 3, SIDE, SIDE), -0.8)
    photo[..., 64:] = 0.5
    photo = photo + 0.05 * torch.randn(1, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(2))
    hole = square(40, 90, 40, 90)
    for colour in (-0.8, 0.5):
        filled = completed(photo, hole, torch.where(hole > 0, colour, photo), 0 * hole)
        core = square(52, 78, 52, 78)
        assert error(filled, torch.full_like(filled, colour), core) < 0.25


def test_nothing_is_filled_behind_a_face() -> None:
    photo, hole, face = stripes(), square(40, 100, 30, 100), square(30, 80, 50, 80)
    guide = torch.where(hole > 0, 0.33, photo)
    filled = completed(photo, hole, guide, face)
    deep = square(30, 72, 58, 72) * hole
    assert torch.equal(filled * deep, guide * deep)
    assert error(filled, photo, hole * (1 - face)) < error(guide, photo, hole * (1 - face))


@pytest.mark.parametrize("side", [16, 32, 48, 96, 200])
def test_any_size(side: int) -> None:
    photo, hole = stripes(side, 4), square(side // 3, side // 2, side // 3, side // 2, side)
    filled = completed(photo, hole, blank(photo, hole), 0 * hole)
    assert filled.shape == photo.shape
    assert filled.isfinite().all()


def test_where_nothing_is_known_the_guide_stays() -> None:
    photo = stripes()
    everywhere, nowhere = torch.ones(1, 1, SIDE, SIDE), torch.zeros(1, 1, SIDE, SIDE)
    assert torch.equal(completed(photo, everywhere, photo - 0.1, nowhere), photo - 0.1)
    assert torch.equal(completed(photo, nowhere, photo - 0.1, nowhere), photo)
    assert torch.equal(
        completed(photo, square(9, 99, 9, 99), photo - 0.1, everywhere),
        torch.where(square(9, 99, 9, 99) > 0, photo - 0.1, photo),
    )


def test_inside_a_training_in_bfloat16_the_same_patches_are_found() -> None:
    photo, hole = stripes(), square(52, 76, 40, 96)
    guide = blank(photo, hole)
    with torch.autocast("cpu", torch.bfloat16):
        inside = completed(photo, hole, guide, 0 * hole, STEPS[:2])
    assert torch.equal(inside, completed(photo, hole, guide, 0 * hole, STEPS[:2]))


def test_in_training_a_pattern_goes_on_as_well() -> None:
    photo, hole = stripes(), square(52, 76, 40, 96)
    guide = blank(photo, hole)
    assert error(completed(photo, hole, guide, 0 * hole, STEPS[:2]), photo, hole) < error(guide, photo, hole) / 2


def test_what_is_found_is_the_most_alike_by_the_definition() -> None:
    """`search` multiplies squares out; `best` does not."""
    photo, hole, face = stripes(48, 4), square(16, 30, 10, 40, 48), square(16, 24, 20, 30, 48)
    guide = blank(photo, hole)
    level = _Level.of(photo, hole, guide, face, 32, 0.5)
    patches = _patches(level.guide)
    found, unlike = level.search(patches, *level.table(1))
    wanted, least = level.best(patches, level.sources.expand(len(level.wanted), -1))
    torch.testing.assert_close(unlike, least, atol=1e-5, rtol=1e-4)
    assert (found == wanted).float().mean() > 0.95


def test_each_photo_of_a_batch_for_itself() -> None:
    photos = torch.cat([stripes(), stripes(width=5)])
    holes = torch.cat([square(40, 80, 40, 80), square(20, 60, 60, 110)])
    guides = blank(photos, holes)
    both = completed(photos, holes, guides, 0 * holes)
    for i in range(2):
        one = slice(i, i + 1)
        assert torch.equal(both[one], completed(photos[one], holes[one], guides[one], 0 * holes[one]))
