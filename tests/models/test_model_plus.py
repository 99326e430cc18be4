"""unveilify-plus: untouched outside its alpha, any number of identity images, any size of photo."""

from dataclasses import replace

import pytest
import torch

from unveilify.models.parts.contract import Batch
from unveilify.models.parts.warp import match_colour, resize, warp
from unveilify.models.plus import FLOW_BOUND, Config, Network, fewer, merge


def tiny(size_px: int = 32, **settings: float) -> Network:
    return Network(Config(size_px=size_px, width=0.25, **settings)).eval()


def force(network: Network, logit: float) -> None:
    """Make the network believe that the mask is everywhere or nowhere."""
    with torch.no_grad():
        network.fields[-1].bias[0] = logit


@pytest.mark.parametrize("identities", [1, 2, 5])
def test_outside_its_own_alpha_the_photo_is_untouched(identities, make_batch):
    network, batch = tiny(), make_batch(2, 32, identities)
    with torch.no_grad():
        network.fields[-1].weight[0].mul_(20)
        output = network(batch)
    outside = (output.alpha == 0).expand_as(output.image)
    assert 0 < outside.float().mean() < 1
    assert torch.equal(output.image[outside], batch.masked[outside])
    force(network, -100)
    with torch.no_grad():
        assert torch.equal(network(batch).image, batch.masked)


def test_the_order_of_identity_images_does_not_matter(make_batch):
    network = tiny()
    force(network, 100)
    batch = replace(make_batch(1, 32, 4), real=torch.tensor([4]))
    with torch.no_grad():
        a, b = network(batch).image, network(replace(batch, identity=batch.identity.flip(1))).image
    torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)


def test_without_an_identity_image_the_pictures_given_have_no_influence(make_batch):
    network = tiny()
    force(network, 100)
    batch = make_batch(1, 32)
    none = replace(batch, real=torch.tensor([0]))
    with torch.no_grad():
        a = network(none)
        b = network(replace(none, identity=-batch.identity))
        c = network(batch)
    assert torch.equal(a.image, b.image)
    assert a.logs["trust"] == 0
    assert (c.image - a.image).abs().mean() > 1e-3


def test_photos_of_any_size_are_served_at_their_own_size(make_batch):
    network = tiny(32)
    force(network, 100)
    with torch.no_grad():
        for side in (32, 50, 128):
            output = network(make_batch(1, side))
            assert output.image.shape == (1, 3, side, side)
        fine, coarse = network(make_batch(1, 128)).image, network(make_batch(1, 32)).image
    assert (resize(fine, 32) - coarse).abs().mean() < 0.1


def test_looking_small_costs_little_and_fetches_at_full_size(make_batch):
    network = tiny(128, look_px=32)
    force(network, 100)
    with torch.no_grad():
        network.fields[-1].bias[1] = 100
        network.coarse_flow[-1].weight.zero_()
        network.fine_flow[-1].weight[:2].zero_()
        batch = make_batch(1, 128)
        checker = (torch.arange(128)[:, None] + torch.arange(128)) % 2 * 0.5
        batch = replace(batch, identity=batch.identity * 0 + checker)
        image = network(batch).image
    step = (image[..., 1:] - image[..., :-1]).abs().mean()
    assert step > 0.2, "single pixels of the identity image must come through"


def test_the_flow_is_bounded_whatever_the_weights(make_batch):
    network = tiny()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(30)
        batch = make_batch(1, 32)
        flow, share = network.align(batch.masked, batch.identity, batch.real)
    assert flow.abs().max() <= sum(FLOW_BOUND) + 1e-6
    assert share.min() >= 0
    assert share.max() <= 1


def test_no_flow_fetches_the_picture_itself_and_a_flow_moves_it():
    picture = torch.rand(1, 3, 16, 16)
    torch.testing.assert_close(warp(picture, torch.zeros(1, 2, 16, 16)), picture, atol=1e-5, rtol=0)
    one_pixel = torch.tensor([2 / 16, 0.0])[None, :, None, None].expand(1, 2, 4, 4)
    torch.testing.assert_close(warp(picture, one_pixel)[..., :-1], picture[..., 1:], atol=1e-5, rtol=0)


def test_merging_weighs_pixel_by_pixel():
    pictures = torch.stack([torch.zeros(3, 8, 8), torch.ones(3, 8, 8)])[None]
    share = torch.zeros(1, 2, 1, 8, 8)
    share[:, 0, :, :, :4], share[:, 1, :, :, 4:] = 0.6, 0.3
    fetched, trust = merge(pictures, torch.zeros(1, 2, 2, 8, 8), share)
    torch.testing.assert_close(fetched[..., :4], torch.zeros(1, 3, 8, 4))
    torch.testing.assert_close(fetched[..., 4:], torch.ones(1, 3, 8, 4))
    torch.testing.assert_close(trust[..., 0], torch.full((1, 1, 8), 0.6))


def test_colours_are_matched_around_the_eyes(make_batch):
    batch = make_batch(1, 64)
    tinted = batch.masked[:, None] * 0.7 + torch.tensor([0.2, -0.1, 0.05])[:, None, None]
    torch.testing.assert_close(match_colour(tinted, batch.masked)[:, 0], batch.masked, atol=1e-4, rtol=0)
    plain = torch.zeros(1, 1, 3, 64, 64)
    assert match_colour(plain, batch.masked).isfinite().all()


def test_terms_appear_in_training_alone(make_batch):
    network, batch = tiny(), make_batch(1, 32)
    assert network(batch).terms == {}
    network.train()
    terms = network(batch).terms
    assert set(terms) == {"alpha", "warp"}
    assert all(value.isfinite() for value in terms.values())
    assert network(batch.without_identity()).terms["warp"] == 0


def test_a_rim_asks_for_the_mask_and_that_much_around_it(make_batch):
    hole, wider = torch.zeros(2, 1, 1, 64, 64)
    hole[:, :, 32:48, 16:48] = 1
    wider[:, :, 30:50, 14:50] = 1
    batch, one = replace(make_batch(1, 64), hole=hole), torch.ones(1, 1, 64, 64)
    for rim, look, right in ((0, 64, hole), (2, 64, wider), (1, 32, wider)):
        network = tiny(64, look_px=look, rim=rim)
        for guess in (hole, wider):
            loss = network._terms(batch, 40 * guess - 20, one, one)["alpha"]
            assert (float(loss.detach()) < 1e-6) == (guess is right)


def test_the_aligner_learns_a_shift():
    """Loss on the fetched picture alone moves the reference to where it belongs."""
    torch.manual_seed(0)
    network = Network(Config(size_px=32, width=0.25)).train()
    coarse = torch.rand(8, 3, 10, 10) * 2 - 1
    truth = resize(coarse, 40)
    batch_parts = {"hole": torch.ones(8, 1, 32, 32), "real": torch.ones(8, dtype=torch.long)}
    masked, reference = truth[..., 4:36, 4:36], truth[..., 4:36, 1:33]
    batch = Batch(masked=masked, identity=reference[:, None], unmasked=masked, **batch_parts)
    optimiser = torch.optim.Adam(network.parameters(), 3e-3)
    losses = []
    for _ in range(40):
        optimiser.zero_grad()
        loss = network(batch).terms["warp"]
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.7 * losses[0]


def test_reference_dropout_shows_none_at_its_rate_and_else_any_number_up_to_all():
    torch.manual_seed(0)
    shown = fewer(torch.full((20_000,), 3), dropout=0.1)
    shares = torch.bincount(shown, minlength=4) / len(shown)
    torch.testing.assert_close(shares, torch.tensor([0.1, 0.3, 0.3, 0.3]), atol=0.02, rtol=0)
    assert not fewer(torch.zeros(100, dtype=torch.int64), dropout=0.1).any()
    assert torch.equal(fewer(torch.ones(100, dtype=torch.int64), dropout=0.0), torch.ones(100, dtype=torch.int64))
