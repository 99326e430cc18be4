"""The mask finder: what it promises of any weights, and that it learns."""

import pytest
import torch
import torch.nn.functional as F

from unveilify.core import found
from unveilify.models.cost import cost
from unveilify.models.layers.found import overlap, wanted, worn
from unveilify.models.layers.guided import WORK_PX, box, guided
from unveilify.models.zoo import find

SMALL = find.Config(size_px=32, width=0.5)


def test_it_is_small_enough_to_run_in_every_removal() -> None:
    needs = cost("find", find.Config(size_px=128))
    assert needs.parameters <= 1_000_000
    assert needs.macs <= 2e9


def test_the_picture_stays_and_alpha_has_its_size(make_batch) -> None:
    network = find.Network(SMALL).eval()
    for side in (32, 50, 128):
        batch = make_batch(2, side)
        output = network(batch)
        assert output.image is batch.masked
        assert output.alpha.shape == (2, 1, side, side)
        assert network.look(batch.masked).shape == (2, 1, 32, 32)


def test_it_looks_at_no_more_than_it_was_trained_for() -> None:
    assert find.Network(find.Config()).look_px == 128
    assert find.Network(find.Config(size_px=64)).look_px == 64


def test_where_it_is_sure_alpha_is_exact() -> None:
    network = find.Network(SMALL).eval()
    logit = torch.tensor([-20.0, 20.0]).repeat_interleave(16).expand(1, 1, 32, 32)
    alpha = network.sharpened(logit, torch.zeros(1, 3, 128, 128))
    assert alpha[..., :50].eq(0).all()
    assert alpha[..., -50:].eq(1).all()


def test_it_learns_one_photo(make_batch) -> None:
    torch.manual_seed(0)
    batch = make_batch(2, 32)
    network = find.Network(SMALL).train()
    adam = torch.optim.Adam(network.parameters(), 3e-3)
    for _ in range(60):
        loss = network(batch).terms["find"]
        adam.zero_grad()
        loss.backward()
        adam.step()
    assert overlap(network.eval()(batch).alpha, batch.hole).min() > 0.9


def test_the_loss_knows_where_it_matters() -> None:
    hole = torch.zeros(1, 1, 32, 32)
    hole[..., 16:, :] = 1
    right = 20 * (2 * hole - 1)
    near, far = right.clone(), right.clone()
    near[..., 15, :] = 0
    far[..., 2, :] = 0
    exact, at_edge, away = (float(find.loss(logit, hole)) for logit in (right, near, far))
    assert exact < 1e-3 < away < at_edge
    nothing = torch.zeros_like(hole)
    assert float(find.loss(torch.full_like(hole, -20.0), nothing)) < 1e-3


def test_below_a_shadow_all_must_be_painted() -> None:
    assert wanted(torch.tensor([0.0, 0.2, 0.4, 1.0])).tolist() == pytest.approx([0.0, 0.5, 1.0, 1.0])


def test_worn_is_the_same_for_tensors_and_arrays() -> None:
    torch.manual_seed(0)
    alpha = torch.rand(40, 1, 20, 20) * torch.linspace(0.4, 0.8, 40).view(-1, 1, 1, 1)
    told = worn(alpha).flatten().tolist()
    assert told == [found.worn(one[0].numpy()) for one in alpha]
    assert 5 < sum(told) < 35


def test_overlap() -> None:
    hole = torch.zeros(3, 1, 4, 4)
    hole[:2, :, 2:] = 1
    alpha = hole.clone()
    alpha[0, :, 1:] = 1
    assert overlap(alpha, hole).tolist() == pytest.approx([8 / 12, 1.0, 1.0])


def test_a_box_is_a_mean_over_what_lies_in_the_picture() -> None:
    field = torch.arange(30.0).reshape(1, 1, 5, 6)
    found = box(field, 1)
    assert found[0, 0, 2, 2] == pytest.approx(float(field[0, 0, 1:4, 1:4].mean()))
    assert found[0, 0, 0, 5] == pytest.approx(float(field[0, 0, :2, 4:].mean()))


def test_a_blurred_edge_moves_to_the_photos_own() -> None:
    place = torch.arange(64.0)
    guide = (place > 35).float().expand(1, 3, 64, 64) * 0.5 + 0.2
    rough = (place > 33.5).float().expand(1, 1, 64, 64)
    found = guided(guide, rough, 0.1, 1e-4) > 0.5
    assert torch.equal(found, (place > 35).expand_as(found))
    flat = guided(torch.full((1, 3, 64, 64), 0.5), rough, 0.1, 1e-4)
    off = ((flat > 0.5) != (rough > 0.5)).any(2).sum()
    assert off <= 3, "where the photo has no edges the mask's stays"


def test_large_pictures_take_enlarged_coefficients() -> None:
    torch.manual_seed(0)
    guide = F.interpolate(torch.rand(1, 3, 16, 16), size=(WORK_PX, WORK_PX), mode="nearest")
    field = (guide.mean(1, keepdim=True) > 0.5).float()
    large = F.interpolate(guide, scale_factor=2.0, mode="nearest")
    found, same = guided(large, field, 0.03, 1e-3), guided(guide, field, 0.03, 1e-3)
    assert found.shape == (1, 1, 2 * WORK_PX, 2 * WORK_PX)
    assert float((F.avg_pool2d(found, 2) - same).abs().mean()) < 0.02
