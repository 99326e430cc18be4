"""What a network costs: parameters, and multiply-accumulates for one picture."""

from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from unveilify.models.contract import Batch, Sized, plugin


@dataclass(frozen=True, slots=True)
class Cost:
    """``parameters`` that are trained; ``macs`` of convolutions and matrix products at batch 1 (FLOPs are twice that)."""

    parameters: int
    macs: int


def cost(model: str, config: Sized, identities: int = 1) -> Cost:
    """Cost of a model with a config, for one picture with ``identities`` identity images.

    Nothing is allocated or computed: shapes alone pass through, unless the network ``needs_values``. What needs no
    training costs nothing here;
    its time is measured elsewhere.

    Raises:
        UserError: there is no such model.
    """
    module = plugin(model)
    if not module.TRAINS:
        return Cost(0, 0)
    side = config.size_px
    device = "cpu" if getattr(module.Network, "needs_values", False) else "meta"
    with torch.device(device), torch.no_grad():
        network = module.Network(config).eval().requires_grad_(False)
        batch = Batch(
            masked=torch.zeros(1, 3, side, side),
            identity=torch.zeros(1, identities, 3, side, side),
            real=torch.full((1,), identities),
            hole=torch.zeros(1, 1, side, side),
        )
        with FlopCounterMode(display=False) as counter:
            network(batch)
    return Cost(sum(p.numel() for p in network.parameters()), counter.get_total_flops() // 2)
