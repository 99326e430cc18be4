"""Small batches for every test of this room."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import interpolate

from unveilify.core.mesh import surface
from unveilify.models.contract import Batch

MakeBatch = Callable[..., Batch]


@pytest.fixture(autouse=True)
def _repeatable() -> None:
    torch.manual_seed(0)


@pytest.fixture
def make_batch() -> MakeBatch:
    return _make_batch


@pytest.fixture
def see_masks() -> Callable[[nn.Module], nn.Module]:
    """Makes a network that finds masks with a finder of its own find one everywhere; others stay as they are."""

    def change(network: nn.Module) -> nn.Module:
        if hasattr(network, "finder"):
            with torch.no_grad():
                network.finder.field[-1].bias.fill_(100)
        return network

    return change


def _make_batch(count: int, size_px: int, identities: int = 1, seed: int = 0) -> Batch:
    """Random smooth pictures with a rectangular hole; sample i has ``identities - i`` real ones, at least 1."""
    generator = torch.Generator().manual_seed(seed)

    def pictures(n: int) -> Tensor:
        coarse = torch.rand(n, 3, 8, 8, generator=generator) * 2 - 1
        return interpolate(coarse, size=(size_px, size_px), mode="bicubic").clamp(-1, 1)

    unmasked = pictures(count)
    hole = torch.zeros(count, 1, size_px, size_px)
    hole[:, :, size_px // 2 : -4, size_px // 4 : -size_px // 4] = 1
    hole[:, :, size_px // 2 - 1, size_px // 4 : -size_px // 4] = 0.5
    meshes = [turned(0.15 * i) for i in range(count * (1 + identities))]
    points = torch.from_numpy(np.stack(meshes)).float()
    return Batch(
        masked=unmasked * (1 - hole) + 0.8 * hole,
        identity=pictures(count * identities).unflatten(0, (count, identities)),
        real=torch.tensor([max(1, identities - i) for i in range(count)]),
        hole=hole,
        unmasked=unmasked,
        landmarks=points[:count],
        identity_landmarks=points[count:].unflatten(0, (count, identities)),
        unmasked_landmarks=points[:count],
    )


def turned(yaw: float) -> NDArray[np.float64]:
    """The mean face as it lies in a face crop, turned to the side: (468, 3) in shares of the side."""
    turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    return np.asarray(surface().mean @ turn.T * 0.25 + [0.5, 0.4, 0.0])
