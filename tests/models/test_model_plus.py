"""unveilify-plus, and place and prior: what is found is blanked, what is known is placed, the rest is painted."""

from dataclasses import replace

import pytest
import torch

from unveilify.models.layers.candidates import Shown
from unveilify.models.layers.hole import laid_over, soften
from unveilify.models.layers.laid import Laid
from unveilify.models.layers.warp import resize
from unveilify.models.zoo import place, plus, prior
from unveilify.models.zoo.plus import ERASED, FLOW, WINDOW, Config, Fields, Network, other_references

SYSTEMS = [plus, place, prior]


def tiny(size_px: int = 64, **settings: float) -> Network:
    return Network(Config(size_px=size_px, width=0.25, look_px=32, **settings)).eval()


def only_here(network: torch.nn.Module, make) -> None:
    """Make its finder find the hole of the batches of these tests."""
    hole = make(1, 64).hole
    network.finder.alpha = lambda masked, landmarks=None: (
        resize(hole, masked.shape[-1]).gt(0.5).float().expand(len(masked), -1, -1, -1)
    )


@pytest.mark.parametrize("module", SYSTEMS)
def test_outside_its_own_alpha_the_photo_is_untouched(module, make_batch):
    network = module.Network(module.Config(size_px=64)).eval()
    only_here(network, make_batch)
    batch = make_batch(2, 64)
    with torch.no_grad():
        output = network(batch)
    outside = (output.alpha == 0).expand_as(output.image)
    assert 0.1 < outside.float().mean() < 0.9
    assert torch.equal(output.image[outside], batch.masked[outside])
    assert not torch.allclose(output.image, batch.masked, atol=0.1)


@pytest.mark.parametrize("module", SYSTEMS)
def test_where_no_mask_is_found_the_photo_is_left_as_it_is(module, make_batch):
    network = module.Network(module.Config(size_px=64)).eval()
    with torch.no_grad():
        network.finder.field[-1].bias.fill_(-100)
        batch = make_batch(1, 64)
        output = network(batch)
    assert output.alpha.max() == 0
    assert torch.equal(output.image, batch.masked)


@pytest.mark.parametrize("module", SYSTEMS)
def test_the_cloth_is_never_seen(module, make_batch):
    """The same face and outline under any colour: the same picture."""
    network = module.Network(module.Config(size_px=64)).eval()
    only_here(network, make_batch)
    batch = make_batch(1, 64)
    with torch.no_grad():
        yellow = network(replace(batch, masked=torch.where(batch.hole > 0, 0.9, batch.masked)))
        dark = network(replace(batch, masked=torch.where(batch.hole > 0, -0.9, batch.masked)))
    inside = (yellow.alpha == 1).expand_as(yellow.image)
    assert inside.any()
    torch.testing.assert_close(yellow.image[inside], dark.image[inside])


@pytest.mark.parametrize("module", [plus, place])
def test_the_order_of_identity_images_hardly_matters(module, make_batch):
    network = module.Network(module.Config(size_px=64)).eval()
    only_here(network, make_batch)
    batch = replace(make_batch(1, 64, 4), real=torch.tensor([4]))
    turned = replace(batch, identity=batch.identity.flip(1), identity_landmarks=batch.identity_landmarks.flip(1))
    with torch.no_grad():
        a, b = network(batch).image, network(turned).image
    torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("module", SYSTEMS)
def test_photos_of_any_size_are_served_at_their_own_size(module, make_batch):
    network = module.Network(module.Config(size_px=64)).eval()
    only_here(network, make_batch)
    with torch.no_grad():
        for side in (48, 64, 200):
            assert network(make_batch(1, side)).image.shape == (1, 3, side, side)


@pytest.mark.parametrize("module", SYSTEMS)
def test_without_a_mesh_the_hole_is_filled_all_the_same(module, make_batch):
    network = module.Network(module.Config(size_px=64)).eval()
    only_here(network, make_batch)
    batch = replace(make_batch(1, 64), landmarks=None, identity_landmarks=None, unmasked_landmarks=None)
    with torch.no_grad():
        assert network(batch).image.isfinite().all()


def test_single_pixels_of_the_identity_image_come_through(make_batch):
    """It looks at 32 px and fetches at the photo's own size."""
    network = place.Network(place.Config(size_px=128)).eval()
    only_here(network, make_batch)
    batch = make_batch(1, 128)
    checker = (torch.arange(128)[:, None] + torch.arange(128)) % 2 * 0.8 - 0.4
    # The photo is as sharp: nothing sharper than it is shown.
    sharp = {"masked": batch.masked * 0 + checker, "identity": batch.identity * 0 + checker}
    batch = replace(batch, **sharp, identity_landmarks=batch.landmarks[:, None])
    with torch.no_grad():
        output = network(batch)
    step = (output.image[..., 1:] - output.image[..., :-1]).abs()[..., 80:100, 50:78].mean()
    assert step > 0.2


def test_the_flow_is_bounded_whatever_the_weights(make_batch):
    network = tiny()
    with torch.no_grad():
        for parameter in network.painter.parameters():
            parameter.mul_(30)
        only_here(network, make_batch)
        output = network(make_batch(1, 64))
    assert output.logs["flow_px"] <= 2**0.5 * FLOW * 64 * WINDOW.side / 2 + 1e-3
    assert output.image.isfinite().all()


def test_where_much_is_painted_beside_the_face_fine_lines_go(make_batch):
    """A painted field is as fine as what the network looks at: an edge that it does away with must leave no line."""
    network = tiny(128)
    fine = (torch.arange(96) % 2 * 0.5).expand(1, 3, 96, 96)
    none = torch.zeros(1, 1, 96, 96)
    behind = torch.nn.functional.pad(fine, (16, 16, 32, 0))
    laid = Laid(behind, Shown(fine, none, none), none)
    still = {"flow": torch.zeros(1, 2, 8, 8), "gain": torch.ones(1, 3, 2, 2), "bias": torch.zeros(1, 3, 2, 2)}
    middle = slice(40, 90)
    for paint, lines in ((0.0, 0.5), (ERASED, 0.0)):
        _, fill = network._render(laid, Fields(paint=torch.full((1, 3, 32, 32), paint), **still))
        step = (fill[..., 1:] - fill[..., :-1]).abs()[..., middle, middle]
        torch.testing.assert_close(step, torch.full_like(step, lines), atol=0.02, rtol=0)


def test_on_the_face_what_is_painted_is_smooth_and_lines_stay(make_batch):
    network = tiny(128)
    fine = (torch.arange(96) % 2 * 0.5).expand(1, 3, 96, 96)
    one = torch.ones(1, 1, 96, 96)
    laid = Laid(torch.zeros(1, 3, 128, 128), Shown(fine, one, one), one)
    still = {"flow": torch.zeros(1, 2, 8, 8), "gain": torch.ones(1, 3, 2, 2), "bias": torch.zeros(1, 3, 2, 2)}
    checker = ((torch.arange(32)[:, None] + torch.arange(32)) % 2 - 0.5).expand(1, 3, 32, 32)
    _, fill = network._render(laid, Fields(paint=checker + 0.2, **still))
    inside = fill[..., 44:116, 28:100]
    torch.testing.assert_close(inside, (fine + 0.2)[..., 12:84, 12:84], atol=0.02, rtol=0)


def test_nobodys_face_stays_where_it_was_predicted(make_batch):
    network = tiny(alone=True).eval()
    only_here(network, make_batch)
    with torch.no_grad():
        network.painter.flow[-1].bias.fill_(9.0)
        assert network(make_batch(1, 64)).logs["flow_px"] > 1
        assert network(make_batch(1, 64).without_identity()).logs["flow_px"] == 0


def test_without_a_photo_it_is_what_place_leaves_unless_asked(make_batch):
    ours, asked, laid = tiny(), tiny(alone=True), place.Network(place.Config(size_px=64)).eval()
    asked.load_state_dict(ours.state_dict())
    batch = replace(make_batch(2, 64), real=torch.tensor([0, 1]))
    for network in (ours, asked, laid):
        only_here(network, make_batch)
    with torch.no_grad():
        for network in (ours, asked):
            network.painter.paint[-1].bias.fill_(0.5)
        some, painted, placed = (network(batch).image for network in (ours, asked, laid))
        none = ours(batch.without_identity()).image
    torch.testing.assert_close(some[0], placed[0])
    torch.testing.assert_close(none[0], placed[0])
    torch.testing.assert_close(some[1], painted[1])
    assert not torch.allclose(painted[0], placed[0], atol=0.05)


def test_the_face_moves_with_its_outline(make_batch):
    network = tiny(128)
    half = (torch.arange(96) >= 48).float().expand(1, 1, 96, 96)
    laid = Laid(torch.zeros(1, 3, 128, 128), Shown(half.expand(1, 3, -1, -1), half, half), half)
    flow = torch.tensor([24 / 96, 0.0])[None, :, None, None].expand(1, 2, 8, 8)
    none = torch.zeros(1, 3, 2, 2)
    (_, share), _ = network._render(laid, Fields(flow=flow, gain=none + 1, bias=none, paint=torch.zeros(1, 3, 32, 32)))
    assert share[..., 37:].min() > 0.9
    assert share[..., :35].max() < 0.1


def test_terms_appear_in_training_alone(make_batch, see_masks):
    network, batch = see_masks(tiny()), make_batch(2, 64)
    assert network(batch).terms == {}
    network.train()
    terms = network(batch).terms
    assert set(terms) == {"colour", "placed", "flow"}
    assert all(value.isfinite() for value in terms.values())
    assert set(network(batch).weights) == set(terms)


def test_the_flow_learns_where_the_points_of_the_truth_lie(make_batch):
    """The reference's mouth is lower than the truth's: what is fetched moves down."""
    torch.manual_seed(0)
    network = Network(Config(size_px=64, width=0.25, look_px=32, reference_dropout=0, wrong_reference=0)).train()
    batch = make_batch(2, 64)
    lower = batch.landmarks.clone()
    lower[:, :, 1] += 0.03 * (lower[:, :, 1] > 0.55)
    batch = replace(batch, identity_landmarks=lower[:, None])
    optimiser = torch.optim.Adam(network.painter.parameters(), 3e-3)
    losses = []
    for _ in range(30):
        optimiser.zero_grad()
        loss = network(batch).terms["flow"]
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]


def test_training_teaches_the_painter_alone(make_batch):
    network = tiny().train()
    (network(make_batch(1, 64)).image.sum()).backward()
    assert all(p.grad is None for part in (network.finder, network.prior) for p in part.parameters())
    assert any(p.grad is not None for p in network.painter.parameters())


def test_references_are_dropped_and_swapped_at_their_rates(make_batch):
    torch.manual_seed(0)
    batch = make_batch(4, 32, 3)
    none = swapped = 0
    for _ in range(500):
        shown = other_references(batch, 0.2, 0.1)
        none += int((shown.real == 0).sum())
        swapped += int((shown.identity != batch.identity).flatten(1).any(1).sum())
    assert none / 2000 == pytest.approx(0.2, abs=0.04)
    assert swapped / 2000 == pytest.approx(0.1, abs=0.03)
    assert other_references(batch.without_identity(), 0.0, 0.0).real.sum() == 0


def test_a_found_mask_is_widened_and_its_edge_is_soft():
    found = torch.zeros(1, 1, 100, 100)
    found[..., 40:60, 40:60] = 1
    hole, alpha = soften(found, 0.03)
    assert hole[0, 0, 50].nonzero().flatten().tolist() == list(range(35, 65))
    assert (alpha[found > 0] == 1).all()
    assert ((alpha > 0) == (hole > 0)).all()
    assert 0 < alpha[0, 0, 50, 35] < 1
    picture = torch.rand(1, 3, 100, 100)
    assert torch.equal(laid_over(picture, 0 * alpha, picture + 1), picture)


def test_a_strap_is_found_with_less_belief_than_cloth():
    found = torch.zeros(1, 1, 200, 200)
    found[..., 80:140, 60:140] = 0.9
    found[..., 90:93, 140:190] = 0.3
    found[..., 20:70, 60:140] = 0.3
    hole, _ = soften(found, 0.01)
    assert hole[0, 0, 91, 150:188].min() == 1, "the strap"
    assert hole[0, 0, 25:65, 70:130].max() == 0, "a shadow is not"
