"""Parameters and multiply-accumulates, computed and not claimed."""

import pytest
import torch

from unveilify.models.cost import Cost, cost
from unveilify.models.zoo import plus, unveilify
from unveilify.models.zoo.mean import Config as MeanConfig


def test_counts_a_convolution_as_by_hand():
    """No U-Net, no identity image: what is left is the generator, whose products can be counted on paper."""
    config = unveilify.Config(size_px=32, width=0.125, unet=False, identity=False)
    channels = [48, 32, 16, 8]
    style = 64
    macs, inputs = 0, channels[0]
    for outputs, px in zip(channels, (4, 8, 16, 32), strict=True):
        if px > 4:
            macs += inputs * outputs * 9 * px**2 + style * inputs + inputs * outputs
        macs += outputs * outputs * 9 * px**2 + style * outputs + outputs * outputs
        macs += outputs * 3 * px**2 + style * outputs + outputs * 3
        inputs = outputs
    assert cost("unveilify", config).macs == macs
    assert cost("unveilify", config).parameters == sum(p.numel() for p in unveilify.Network(config).parameters())


def test_costs_no_memory_and_no_untrained_model_costs_anything():
    assert cost("unveilify", unveilify.Config()).parameters > 90e6
    assert cost("mean", MeanConfig()) == Cost(0, 0)


@pytest.mark.parametrize("identities", [1, 5])
def test_what_ships_stays_within_its_budget(identities):
    """At most 8 M parameters (16 MB in half precision) and 20 GMAC at 256 px."""
    found = cost("plus", plus.Config(), identities)
    assert found.parameters <= 8e6
    assert found.macs <= 20e9


def test_the_papers_network_costs_less_than_its_authors_live_half():
    """142.0 GMAC in all, 23.6 of them never reached by the output."""
    assert cost("unveilify", unveilify.Config()).macs < 118.4e9
    assert torch.get_default_device().type == "cpu"
