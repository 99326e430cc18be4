"""Training that begins from earlier weights."""

from pathlib import Path
from typing import Any

import pytest
import torch

from unveilify.core.errors import UserError
from unveilify.models import store
from unveilify.models.zoo import plus
from unveilify.training.config import TrainConfig
from unveilify.training.inputs import with_digests
from unveilify.training.trainer import build_trainer

SMALL: dict[str, Any] = {"model": "plus", "size_px": 32, "samples": 8, "batch": 2, "network": {"width": 0.25}}
CPU = torch.device("cpu")


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    torch.manual_seed(7)
    settings = plus.Config(size_px=32, width=0.25)
    store.save(tmp_path / "best.safetensors", "plus", settings, plus.Network(settings).state_dict())
    return tmp_path


@pytest.mark.parametrize("whole_run", [True, False])
def test_network_and_average_begin_from_it(earlier: Path, whole_run: bool) -> None:
    start = earlier if whole_run else earlier / "best.safetensors"
    trainer = build_trainer(TrainConfig(**SMALL, start_from=start), CPU)
    stored = store.load(earlier / "best.safetensors").network.state_dict()
    for part in (trainer.network, trainer.ema):
        assert all(torch.equal(value, stored[name]) for name, value in part.state_dict().items())
    fresh = build_trainer(TrainConfig(**SMALL), CPU).network.state_dict()
    assert any(not torch.equal(value, stored[name]) for name, value in fresh.items())


def test_a_run_is_bound_to_the_weights(earlier: Path) -> None:
    config = TrainConfig(**SMALL, start_from=earlier)
    before = with_digests(config)
    assert before.start_sha256 is not None
    assert with_digests(TrainConfig(**SMALL)) == TrainConfig(**SMALL)
    settings = plus.Config(size_px=32, width=0.25)
    store.save(earlier / "best.safetensors", "plus", settings, plus.Network(settings).state_dict())
    assert with_digests(config).start_sha256 != before.start_sha256


def test_what_does_not_fit_is_said(earlier: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"There is no trained network"):
        with_digests(TrainConfig(**SMALL, start_from=tmp_path / "nowhere"))
    with pytest.raises(UserError, match="is a 'plus' network, which 'unveilify' cannot start from"):
        build_trainer(TrainConfig(**SMALL | {"model": "unveilify"}, start_from=earlier), CPU)
    with pytest.raises(UserError, match="has another shape than"):
        build_trainer(TrainConfig(**SMALL | {"network": {"width": 0.5}}, start_from=earlier), CPU)
