"""A small batch for every test of this room."""

import pytest
import torch

from unveilify.models.contract import Batch


@pytest.fixture
def batch() -> Batch:
    torch.manual_seed(0)
    hole = torch.zeros(2, 1, 32, 32)
    hole[:, :, 16:, 8:24] = 1
    truth = torch.rand(2, 3, 32, 32) * 2 - 1
    return Batch(truth * (1 - hole), torch.rand(2, 1, 3, 32, 32), torch.ones(2, dtype=torch.int64), hole, truth)
