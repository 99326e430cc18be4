"""LPIPS (Zhang et al. 2018), by the `lpips` package, with a trunk that is on this machine.

The package carries the linear heads of version 0.1 only and would download the trunk by itself; here the
trunk comes from the catalogue of weights, so that nothing is downloaded unasked.
"""

import warnings
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from unveilify import weights
from unveilify.core.errors import UserError

Trunk = Literal["vgg", "alex", "squeeze"]

FILES: dict[Trunk, tuple[str, ...]] = {
    "vgg": ("vgg16",),
    "alex": ("alexnet",),
    "squeeze": ("squeezenet1_1_features", "squeezenet1_1"),
}
"""Names in the catalogue of weights, by trunk, best trunk first."""

BATCH = 32


class Lpips(nn.Module):
    """A frozen LPIPS judge; ``trunk`` says which, for the name of the column."""

    network: Any  # of the package `lpips`, which has no types

    def __init__(self, trunk: Trunk, network: nn.Module) -> None:
        super().__init__()
        self.trunk: Trunk = trunk
        self.network = network.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> Self:
        """Stay in evaluation mode: the package's heads contain dropout."""
        return super().train(False)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Distance of each pair: (N, 3, S, S) twice, in [-1, 1] -> (N,), 0 for equal pictures; differentiable."""
        values: Tensor = self.network(a, b)
        return values.flatten()

    @torch.no_grad()
    def features(self, images: npt.NDArray[np.uint8]) -> list[Tensor]:
        """What the trunk sees in pictures (N, S, S, 3) RGB 0…255, by layer: (N, C, s, s) of length 1 along C."""
        pixels = _tensor(images, next(self.parameters()).device)
        seen = self.network.net(self.network.scaling_layer(pixels))
        return [one / (one.square().sum(1, keepdim=True).sqrt() + 1e-10) for one in seen]

    @torch.no_grad()
    def between(self, a: list[Tensor], b: list[Tensor]) -> npt.NDArray[np.float64]:
        """Distance of each pair of pictures (N,), from their `features`: a truth's serve every output beside it."""
        heads = zip(self.network.lins, a, b, strict=True)
        layers = [head((one - other).square_()).mean((1, 2, 3)) for head, one, other in heads]
        return np.asarray(torch.stack(layers).sum(0).double().cpu().numpy(), np.float64)

    @torch.no_grad()
    def distance(self, a: npt.NDArray[np.uint8], b: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
        """Distance of each pair of pictures: (N, S, S, 3) RGB 0…255 twice -> (N,)."""
        device = next(self.parameters()).device
        found = [
            self(_tensor(a[i : i + BATCH], device), _tensor(b[i : i + BATCH], device)) for i in range(0, len(a), BATCH)
        ]
        return np.asarray(torch.cat(found).double().cpu().numpy() if found else np.zeros(0), np.float64)


def load(trunk: Trunk, device: str | torch.device = "cpu") -> Lpips:
    """LPIPS with one trunk.

    Raises:
        weights.Missing: the trunk is not here.
        UserError: its file does not fit.
    """
    # The package imports torchvision at its top; only who loads a judge pays for that.
    import lpips

    path = _trunk_file(trunk)
    with warnings.catch_warnings():
        # It still calls torchvision with an argument that is deprecated.
        warnings.simplefilter("ignore", UserWarning)
        network = lpips.LPIPS(net=trunk, pnet_rand=True, verbose=False)
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
        # "slice2.3.squeeze.weight" there is "features.3.squeeze.weight" in torchvision's files, and
        # "3.squeeze.weight" in a file of the features alone.
        bare = {name.removeprefix("features."): tensor for name, tensor in stored.items()}
        network.net.load_state_dict({name: bare[name.partition(".")[2]] for name in network.net.state_dict()})
    except Exception as error:
        raise UserError(f"{path} is no trunk of LPIPS ({trunk}) ({type(error).__name__}): fetch it again.") from None
    # Channels last: a CPU takes half the time for the trunk's convolutions.
    judge: Lpips = Lpips(trunk, network).to(memory_format=torch.channels_last)
    return judge.to(device)


def best_at_hand(device: str | torch.device = "cpu") -> Lpips:
    """LPIPS with the first trunk of vgg, alex, squeeze that is on this machine.

    Raises:
        weights.Missing: none is; the sentence is about the first.
    """
    missing: weights.Missing | None = None
    for trunk in FILES:
        try:
            return load(trunk, device)
        except weights.Missing as error:
            missing = missing or error
    assert missing is not None
    raise missing


def _trunk_file(trunk: Trunk) -> Path:
    for name in FILES[trunk]:
        found = weights.locate(name)
        if found:
            return found
    return weights.fetch(FILES[trunk][-1])


def _tensor(images: npt.NDArray[np.uint8], device: torch.device) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(images)).to(device).permute(0, 3, 1, 2) / 127.5 - 1
