"""A VGG-19 with a quarter of the channels (Wang et al. 2020, "Collaborative Distillation"): features for losses.

It was distilled from VGG-19 and stands where a rival's loss wants that network. Its numbers are its own, and
of another scale at every layer: losses must compare layers relatively. The file's 1×1 "aux" layers, meant
to lead to VGG-19's own channels, are left aside: they look freshly initialised.
"""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unveilify import weights
from unveilify.core.errors import UserError

FILE = "vgg19_small16x_relu5"

STAGES = ((16, 2), (32, 2), (64, 4), (128, 4), (128, 1))
"""Channels and convolutions before each pooling."""


class Vgg19(nn.Module):
    """The convolutions up to relu5_1; frozen when it comes from `load`."""

    def __init__(self) -> None:
        super().__init__()
        # Named as in the file: conv0 turns RGB in [0, 1] into the mean-free BGR 0…255 of Caffe.
        self.conv0 = nn.Conv2d(3, 3, 1)
        inputs = 3
        for stage, (channels, count) in enumerate(STAGES, 1):
            widths = [inputs] + count * [channels]
            for i, (a, b) in enumerate(pairwise(widths), 1):
                self.add_module(f"conv{stage}{i}", nn.Conv2d(a, b, 3, padding=1, padding_mode="reflect"))
            inputs = channels

    def forward(self, images: Tensor) -> list[Tensor]:
        """(N, 3, S, S) in [-1, 1], S >= 32 -> relu1_1 (N, 16, S, S), relu2_1 (N, 32, S/2, S/2), … relu5_1."""
        x = self.conv0((images + 1) / 2)
        found = []
        for stage, (_, count) in enumerate(STAGES, 1):
            x = F.max_pool2d(x, 2) if stage > 1 else x
            for i in range(1, count + 1):
                x = F.relu(self.get_submodule(f"conv{stage}{i}")(x))
                if i == 1:
                    found.append(x)
        return found


def load() -> Vgg19:
    """The network, frozen.

    Raises:
        weights.Missing: its file is not here.
        UserError: its file does not fit.
    """
    path = weights.fetch(FILE)
    network = Vgg19()
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
        network.load_state_dict({name: stored[name] for name in network.state_dict()})
    except Exception as error:
        raise UserError(f"{path} is not the small VGG-19 ({type(error).__name__}): fetch it again.") from None
    return network.eval().requires_grad_(False)
