"""A trained network in one file of half the size."""

from pathlib import Path

import pytest
import torch

from unveilify.apply.export import export
from unveilify.core.errors import UserError
from unveilify.models import store
from unveilify.models.zoo import plus


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    config = plus.Config(size_px=32, width=0.25)
    store.save(tmp_path / "best.safetensors", "plus", config, plus.Network(config).state_dict(), meta={"seen": 7})
    return tmp_path / "best.safetensors"


def test_the_file_is_half_as_large_and_paints_the_same(trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "small.safetensors"
    assert 0 < export(trained, out) < 1
    assert out.stat().st_size < 0.55 * trained.stat().st_size
    whole, half = store.load(trained), store.load(out)
    assert (half.model, half.config, half.meta) == (whole.model, whole.config, {"seen": 7})
    # Twice the same is the same: nothing is lost again.
    assert export(out, tmp_path / "again.safetensors") == 0
    assert (tmp_path / "again.safetensors").read_bytes() == out.read_bytes()


def test_what_half_precision_cannot_hold_is_refused(trained: Path, tmp_path: Path) -> None:
    stored = store.load(trained)
    state = stored.network.state_dict()
    next(iter(state.values())).flatten()[0] = 1e6
    store.save(trained, stored.model, stored.config, state)
    with pytest.raises(UserError, match="beyond half precision"):
        export(trained, tmp_path / "small.safetensors")
    assert not (tmp_path / "small.safetensors").exists()


def test_another_ending_is_refused(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="safetensors"):
        export(trained, tmp_path / "small.onnx")
