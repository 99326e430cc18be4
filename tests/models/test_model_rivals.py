"""Rivals that need no training."""

import numpy as np
import pytest
import torch

from unveilify.core.errors import UserError
from unveilify.models.contract import Sized
from unveilify.models.zoo import copy, mean, paste, telea


@pytest.mark.parametrize("module", [mean, telea, paste])
def test_nothing_changes_outside_the_hole(module, make_batch):
    batch = make_batch(2, 64)
    network = module.Network(module.Config(size_px=64))
    image = network(batch).image
    outside = (batch.hole == 0).expand_as(image)
    assert torch.equal(image[outside], batch.masked[outside])
    assert not torch.allclose(image, batch.masked, atol=0.05)


def test_copy_copies(make_batch):
    batch = make_batch(1, 32)
    assert torch.equal(copy.Network(Sized(size_px=32))(batch).image, batch.masked)


def test_mean_is_the_mean_of_what_it_saw(make_batch):
    network = mean.Network(mean.Config(size_px=32))
    batches = [make_batch(3, 32), make_batch(1, 32, seed=1)]
    network.fit(iter(batches))
    torch.testing.assert_close(network.face, torch.cat([b.unmasked for b in batches]).mean(0))
    with pytest.raises(UserError, match="at least one"):
        network.fit([])


def test_pasting_a_photo_into_itself_gives_the_photo(astronaut):
    photo = np.ascontiguousarray(astronaut[0:256, 96:352])
    hole = np.zeros((256, 256), np.uint8)
    hole[120:, 60:200] = 255
    masked = np.where(hole[..., None] > 0, 200, photo).astype(np.uint8)
    again = paste.paste(masked, photo, hole)
    assert np.abs(again.astype(int) - photo).max() <= 1


def test_pasting_takes_away_a_difference_in_colour(astronaut):
    """The same photo, darker and warmer, comes out as the photo: Poisson blending keeps only its structure."""
    photo = np.ascontiguousarray(astronaut[0:256, 96:352])
    hole = np.zeros((256, 256), np.uint8)
    hole[120:220, 60:200] = 255
    masked = np.where(hole[..., None] > 0, 200, photo).astype(np.uint8)
    tinted = (photo * np.array([0.9, 0.7, 0.6])).astype(np.uint8)
    again = paste.paste(masked, tinted, hole)
    assert np.abs(again.astype(int) - photo).mean() < 4


@pytest.mark.parametrize("hole", ["none", "one pixel", "all"])
def test_odd_holes(hole, make_batch):
    given = np.full((32, 32, 3), 90, np.uint8)
    masked = np.full((32, 32, 3), 120, np.uint8)
    where = np.zeros((32, 32), np.uint8)
    if hole == "one pixel":
        where[5, 5] = 255
    if hole == "all":
        where[:] = 255
    result = paste.paste(masked, given, where)
    assert (result == (90 if hole == "all" else 120)).all()
