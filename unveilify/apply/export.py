"""One file of half the size that `unveilify remove --run FILE` takes as it takes the whole run."""

from pathlib import Path

import torch
from torch import Tensor

from unveilify.core.errors import UserError
from unveilify.models import store
from unveilify.models.contract import Batch, Output


def export(network_file: Path, out: Path) -> float:
    """Write the network of ``network_file`` in half precision to ``out``.

    Returns:
        The largest difference that this makes to a pixel of noise, on 0…255.

    Raises:
        UserError: no such network, ``out`` has another ending, or a weight is too large for half precision.
    """
    if out.suffix != ".safetensors":
        raise UserError(f"The network goes into one file {out}: let its name end in .safetensors.")
    stored = store.load(network_file)
    state = stored.network.state_dict()
    if not all(torch.isfinite(tensor.half()).all() for tensor in state.values() if tensor.is_floating_point()):
        raise UserError(f"A weight of {network_file} is beyond half precision: share the file as it is.")
    store.save(out, stored.model, stored.config, state, meta=stored.meta, dtype=torch.float16)
    return _difference(stored, store.load(out))


@torch.no_grad()
def _difference(before: store.Stored, after: store.Stored) -> float:
    side = before.config.size_px
    noise = torch.rand(3, 1, 3, side, side, generator=torch.Generator().manual_seed(0)) * 2 - 1
    hole = torch.zeros(1, 1, side, side)
    hole[..., side // 2 :, side // 4 : -side // 4] = 1
    batch = Batch(noise[0], noise[1][:, None], torch.ones(1, dtype=torch.int64), hole)
    images = [_all(stored.network(batch)) for stored in (before, after)]
    return float((images[0] - images[1]).abs().max()) * 127.5


def _all(output: Output) -> Tensor:
    """The picture, and the alpha of a network that finds the mask, on [-1, 1]."""
    return output.clamped if output.alpha is None else torch.cat([output.clamped, 2 * output.alpha.float() - 1], 1)
