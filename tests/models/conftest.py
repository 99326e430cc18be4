"""Small batches for every test of this room."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from unveilify.models.parts.contract import Batch

MakeBatch = Callable[..., Batch]


@pytest.fixture(autouse=True)
def _repeatable() -> None:
    torch.manual_seed(0)


@pytest.fixture
def make_batch() -> MakeBatch:
    return _make_batch


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
    return Batch(
        masked=unmasked * (1 - hole) + 0.8 * hole,
        identity=pictures(count * identities).unflatten(0, (count, identities)),
        real=torch.tensor([max(1, identities - i) for i in range(count)]),
        hole=hole,
        unmasked=unmasked,
    )
