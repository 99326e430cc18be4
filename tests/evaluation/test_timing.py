import pytest
import torch

from unveilify.evaluation import timing
from unveilify.models.contract import Batch, Output, plugin
from unveilify.models.system import NetworkSystem


def batch(size: int) -> Batch:
    picture = torch.zeros(2, 3, size, size)
    return Batch(picture, picture[:, None], torch.ones(2, dtype=torch.int64), torch.zeros(2, 1, size, size))


@pytest.mark.parametrize("settings", [{}, {"identity": False}, {"unet": False}], ids=str)
def test_every_ablation_can_be_timed_and_counted(settings: dict[str, bool]) -> None:
    module = plugin("unveilify")
    network = module.Network(module.Config(size_px=32, width=0.1, depth=0.2, **settings)).eval()
    cost = timing.measure(NetworkSystem(network, 32), batch(32), runs=1)
    assert cost.gmac > 0
    assert cost.milliseconds > 0
    assert cost.parameters == pytest.approx(sum(p.numel() for p in network.parameters()) / 1e6)


def test_multiplications_are_counted_for_one_picture_by_hand() -> None:
    class Conv(torch.nn.Conv2d):
        def forward(self, batch: Batch) -> Output:
            return Output(super().forward(batch.masked))

    cost = timing.measure(NetworkSystem(Conv(3, 8, 5, padding=2, bias=False), 16), batch(16), runs=1)
    assert cost.gmac == pytest.approx(16 * 16 * 8 * 3 * 5 * 5 / 1e9)
