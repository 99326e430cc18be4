"""The network that puts masks on, a part of training."""

import torch
from torch import Tensor

from unveilify.models.layers.mask_on import MaskOn, weathered


def test_outside_its_alpha_the_face_is_untouched() -> None:
    torch.manual_seed(0)
    network = MaskOn(32, 0.5)
    torch.nn.init.normal_(network.fine[2].weight, std=1.0)
    bare, worn = torch.rand(2, 3, 32, 32) * 4 - 2, torch.rand(2, 3, 32, 32) * 2 - 1
    mask = network(bare, worn)
    untouched = (mask.alpha == 0).expand_as(bare)
    assert 0 < untouched.float().mean() < 1
    assert torch.equal(mask.on(bare)[untouched], bare[untouched])
    assert not torch.equal(mask.on(bare), bare)


def test_the_mask_on_network_is_small_at_every_size() -> None:
    for side in (32, 64, 256):
        assert sum(p.numel() for p in MaskOn(side).parameters()) < 2_000_000


def test_the_mask_comes_from_the_photo() -> None:
    """With alpha 1 and no learned flow yet, what is put on is the worn picture's pixels but for a small tint."""
    torch.manual_seed(0)
    network = MaskOn(32)
    assert isinstance(network.fine[2].bias, Tensor)
    network.fine[2].bias.data[2] = 20.0
    smooth = torch.nn.functional.interpolate(torch.rand(1, 3, 4, 4) - 0.5, (32, 32), mode="bilinear")
    mask = network(torch.zeros_like(smooth), smooth)
    assert float(mask.alpha.detach().min()) == 1
    assert float((mask.on(torch.zeros_like(smooth)) - smooth).detach().abs().mean()) < 0.05


def test_weathered_pictures_are_whole_bytes_without_a_gradient() -> None:
    pictures = (torch.rand(2, 3, 8, 8) * 2 - 1).requires_grad_()
    made = weathered(pictures)
    assert not made.requires_grad
    steps = (made + 1) * 127.5
    assert float((steps - steps.round()).abs().max()) < 1e-3
    assert 0 < float((made - pictures.detach()).abs().mean()) < 0.1
