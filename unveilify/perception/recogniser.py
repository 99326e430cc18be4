"""Face recognisers behind one interface: some are differentiable and serve the loss, another one measures.

The one that measures is never one that a training may have used: a network learns to please the recogniser
of its loss, and a score by that same recogniser would only show that.
"""

from collections.abc import Sequence
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from unveilify import weights
from unveilify.core.errors import UserError
from unveilify.core.records import Image
from unveilify.perception.align import template_tensor

FOR_LOSS = ("w600k_r50", "mobilefacenet_foamliu")
"""Differentiable recognisers, best first (names of the catalogue of weights)."""

FOR_MEASURING = ("edgeface_xs",)
"""Recognisers kept out of every training, best first."""


class Recogniser(Protocol):
    """Says who a face is, as a unit vector; the cosine of two vectors is the likeness."""

    name: str

    def embed(self, images: Sequence[Image]) -> npt.NDArray[np.float32]:
        """(S, S, 3) RGB face crops -> (N, D) vectors of length 1."""


class TorchRecogniser(nn.Module):
    """A frozen, differentiable recogniser of face crops.

    ``network`` maps (N, 3, 112, 112), normalised by ``mean`` and ``std`` of pictures in [0, 1], to (N, D).
    """

    mean: Tensor
    std: Tensor

    def __init__(self, name: str, network: nn.Module, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.name = name
        self.network = fold_norms(network.eval())
        self.register_buffer("mean", torch.tensor(mean)[:, None, None])
        self.register_buffer("std", torch.tensor(std)[:, None, None])
        self.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> Self:
        """Stay in evaluation mode: a judge's batch statistics must not move."""
        return super().train(False)

    def embed(self, crops: Tensor) -> Tensor:
        """(N, 3, S, S) RGB face crops in [-1, 1] -> (N, D) float32 vectors of length 1, differentiable."""
        faces = (template_tensor(crops) * 0.5 + 0.5 - self.mean) / self.std
        vectors: Tensor = self.network(faces)
        return F.normalize(vectors.float(), eps=1e-6)

    def forward(self, crops: Tensor) -> Tensor:
        """The same as `embed`."""
        return self.embed(crops)


def fold_norms(network: nn.Module) -> nn.Module:
    """Merge every batch norm into the convolution right before it: the same function of the input, faster."""
    before: tuple[str, nn.Module] | None = None
    for name, child in list(network.named_children()):
        if isinstance(child, nn.BatchNorm2d) and before and isinstance(before[1], nn.Conv2d):
            setattr(network, before[0], fuse_conv_bn_eval(before[1], child))
            setattr(network, name, nn.Identity())
        else:
            fold_norms(child)
        before = (name, child)
    return network


def load(name: str) -> TorchRecogniser:
    """The differentiable recogniser ``name`` (one of `FOR_LOSS`), on the CPU.

    Raises:
        weights.Missing: its file is not here.
        UserError: there is no such recogniser, or its file does not fit.
    """
    if name == "mobilefacenet_foamliu":
        from unveilify.perception import mobilefacenet

        network = mobilefacenet.MobileFaceNet()
        path = weights.fetch(name)
        try:
            network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
        except Exception as error:
            raise UserError(f"{path} holds no MobileFaceNet ({type(error).__name__}): fetch it again.") from None
        return TorchRecogniser("MobileFaceNet", network, mobilefacenet.MEAN, mobilefacenet.STD)
    if name == "w600k_r50":
        from unveilify.perception import arcface

        return TorchRecogniser("ArcFace-R50", arcface.from_onnx(weights.fetch(name)), arcface.MEAN, arcface.STD)
    raise UserError(f"There is no differentiable recogniser '{name}'; there are: {', '.join(FOR_LOSS)}.")


def for_loss() -> TorchRecogniser:
    """The best differentiable recogniser at hand.

    Raises:
        weights.Missing: none is; the sentence is about the easiest to get.
    """
    missing: weights.Missing | None = None
    for name in FOR_LOSS:
        try:
            return load(name)
        except weights.Missing as error:
            missing = missing or error
    assert missing is not None
    raise missing


def for_measuring(device: str = "cpu") -> Recogniser:
    """The recogniser that measures.

    Raises:
        weights.Missing: it is not here.
    """
    from unveilify.perception.edgeface import EdgeFace

    return EdgeFace(weights.fetch(FOR_MEASURING[0]), device)
