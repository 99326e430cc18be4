"""Losses on the features of a pretrained VGG-19, which several rivals have, each in its own way."""

import math
from collections.abc import Callable, Mapping
from functools import partial

import torch
from torch import Tensor, nn

from unveilify.core.errors import UserError
from unveilify.models.contract import Batch, Output
from unveilify.models.layers.extra import ExtraLosses
from unveilify.models.layers.layers import full_precision
from unveilify.models.together import spread
from unveilify.perception import vgg19

Judged = Callable[[nn.Module, Output, Batch], dict[str, Tensor]]
"""Losses by name; the first argument is the network that gives the features."""


def losses_on_vgg(weights: Mapping[str, float], judged: Judged, device: torch.device) -> ExtraLosses:
    """The losses of these names and weights where the network is at hand; elsewhere notes say that they are missing."""
    if not any(weights.values()):
        return ExtraLosses(None, dict.fromkeys(weights, "off"))
    try:
        network = vgg19.load().to(device).to(memory_format=torch.channels_last)
    except UserError as error:
        return ExtraLosses(None, dict.fromkeys(weights, f"not live: {error}"))
    return ExtraLosses(partial(judged, network), dict.fromkeys(weights, "live (small VGG-19)"), dict(weights))


def relative_features(
    network: nn.Module, image: Tensor, truth: Tensor, share: float = 1.0
) -> list[tuple[Tensor, Tensor]]:
    """Features of the made and of the true picture, layer by layer, both divided by the mean of the true ones.

    So a layer's weight means the same whichever network gives the features. In float32; (B, 3, S, S) in
    [-1, 1] twice -> pairs of (N, C, R, R), of which the second carries no gradient; N is B, or ``share`` of it, evenly
    spread: samples come in random order, and on a CPU all of them cost a third of a small network's step.
    """
    chosen = spread(len(image), math.ceil(share * len(image)))
    image, truth = image[chosen], truth[chosen]
    with full_precision(image):
        with torch.no_grad():
            true = network(truth.float())
            scales = [f.mean((1, 2, 3), keepdim=True).clamp(min=1e-8) for f in true]
        made = network(image.float())
        return [(a / scale, b / scale) for a, b, scale in zip(made, true, scales, strict=True)]
