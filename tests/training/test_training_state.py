from pathlib import Path

import pytest
import torch
from torch import nn

from unveilify.core.errors import UserError
from unveilify.training.state import Position, State, checkpoints


def trained(steps: int = 2) -> State:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    optimizer = torch.optim.AdamW(network.parameters(), 0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        network(torch.randn(5, 3)).square().sum().backward()
        optimizer.step()
    return State({"network": network}, {"adam_g": optimizer}, Position(step=steps, seen=5 * steps, best=0.25))


def test_everything_comes_back(tmp_path: Path) -> None:
    old, new = trained(), trained(0)
    old.save(tmp_path / "a.safetensors")
    new.load(tmp_path / "a.safetensors")
    assert new.position == old.position
    for key, value in old.modules["network"].state_dict().items():
        assert torch.equal(value, new.modules["network"].state_dict()[key])
    for index, moments in old.optimizers["adam_g"].state_dict()["state"].items():
        for name, value in moments.items():
            assert torch.equal(value, new.optimizers["adam_g"].state_dict()["state"][index][name])


def test_an_unreached_best_survives(tmp_path: Path) -> None:
    state = trained()
    state.position.best = float("inf")
    state.save(tmp_path / "a.safetensors")
    state.position.best = 0.0
    state.load(tmp_path / "a.safetensors")
    assert state.position.best == float("inf")


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_cut_file_is_named(tmp_path: Path, share: float) -> None:
    state = trained()
    path = tmp_path / "a.safetensors"
    state.save(path)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(UserError, match=r"a\.safetensors cannot be used"):
        state.load(path)


def test_another_network_is_refused(tmp_path: Path) -> None:
    state = trained()
    state.save(tmp_path / "a.safetensors")
    other = State({"network": nn.Linear(3, 4)}, {})
    with pytest.raises(UserError, match="cannot be used"):
        other.load(tmp_path / "a.safetensors")


def test_checkpoints_are_in_order_of_training(tmp_path: Path) -> None:
    for seen in (10_000_000, 8, 900):
        trained().save(tmp_path / f"checkpoint-{seen:010d}.safetensors")
    assert [int(p.stem.split("-")[1]) for p in checkpoints(tmp_path)] == [8, 900, 10_000_000]
