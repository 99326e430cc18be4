"""A compiled network is believed only if its gradients are the plain one's; and memory and optimiser of a step."""

import shutil
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from unveilify.core.config import build
from unveilify.models.contract import Batch, Output, plugin
from unveilify.training import step
from unveilify.training.compiled import compile_checked
from unveilify.training.config import TrainConfig
from unveilify.training.loop import peak_bytes
from unveilify.training.step import train_step
from unveilify.training.trainer import build_trainer

CPU = torch.device("cpu")


class Tiny(nn.Module):
    """Two convolutions, noise, and a norm with running statistics: what a check must not disturb."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm, self.last = nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 1)

    def forward(self, batch: Batch) -> Output:
        x = torch.relu(self.norm(self.first(batch.masked)))
        y = self.last(x + 0.1 * torch.randn_like(x))
        return Output(y[:, :3], torch.sigmoid(y[:, 3:]))


def wrong(factor: float) -> Callable[[torch.fx.GraphModule, list[Tensor]], Callable[..., object]]:
    """A compiler whose pictures are off by a factor."""

    def backend(graph: torch.fx.GraphModule, _: list[Tensor]) -> Callable[..., object]:
        return lambda *inputs: tuple(factor * x for x in graph(*inputs))

    return backend


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_equal_gradients_are_believed(batch: Batch, backend: str) -> None:
    torch._dynamo.reset()
    network = Tiny()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    forward, said = compile_checked(network, batch, bf16=False, backend=backend)
    assert forward is not network
    assert said.startswith("Compiled: its gradients differ from the plain ones by")
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(p.grad is None for p in network.parameters())
    torch.manual_seed(1)
    wanted = network(batch).image
    torch.manual_seed(1)
    torch.testing.assert_close(forward(batch).image, wanted)


@pytest.mark.parametrize(("factor", "believed"), [(1.0, True), (1.0001, True), (1.2, False), (float("nan"), False)])
def test_other_gradients_are_not(batch: Batch, factor: float, believed: bool) -> None:
    torch._dynamo.reset()
    network = Tiny()
    forward, said = compile_checked(network, batch, bf16=False, backend=wrong(factor))
    assert (forward is not network) == believed
    assert believed == said.startswith("Compiled:")
    if not believed:
        assert "training goes on without" in said


def test_a_broken_compiler_is_one_sentence(batch: Batch) -> None:
    def broken(graph: torch.fx.GraphModule, _: list[Tensor]) -> Callable[..., object]:
        raise RuntimeError("no C++ compiler\nsecond line")

    torch._dynamo.reset()
    network = Tiny()
    forward, said = compile_checked(network, batch, bf16=False, backend=broken)
    assert forward is network
    assert said.startswith("Not compiled (")
    assert "\n" not in said


def tiny(**more: object) -> TrainConfig:
    settings = {"network": {"width": 0.125, "depth": 0.2}, "recipe": {"lpips": 0, "identity": 0}}
    return TrainConfig.model_validate({**settings, "size_px": 32, "samples": 64, "batch": 2, **more})


def test_the_real_network_compiles_and_steps_alike(
    batch: Batch, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    torch._dynamo.reset()

    def quick(network: nn.Module, batch: Batch, *, bf16: bool) -> object:
        return compile_checked(network, batch, bf16=bf16, backend="eager")

    monkeypatch.setattr(step, "compile_checked", quick)
    plain, fast = build_trainer(tiny(), CPU), build_trainer(tiny(compile=True), CPU)
    wanted, found = train_step(plain, batch), train_step(fast, batch)
    assert fast.forward is not fast.network
    assert plain.forward is plain.network
    assert "Compiled: its gradients differ" in capsys.readouterr().out
    for name, value in wanted.items():
        assert float(found[name]) == pytest.approx(float(value), rel=1e-4), name
    train_step(fast, batch)
    assert capsys.readouterr().out == "", "it is decided once"
    assert set(fast.network.state_dict()) == set(plain.network.state_dict())


@pytest.mark.long
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
@pytest.mark.parametrize("model", ["unveilify", "plus"])
def test_the_real_compiler_gives_the_same_gradients(batch: Batch, model: str) -> None:
    torch._dynamo.reset()
    module = plugin(model)
    network = module.Network(build(module.Config, {"size_px": 32, "width": 0.125})).train()
    forward, said = compile_checked(network, batch, bf16=False)
    assert forward is not network, said


def test_adam_is_fused_where_the_device_has_it(batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the fused one takes the plain one's steps, up to rounding."""
    fused = build_trainer(tiny(), CPU)
    assert all(group["fused"] for group in fused.state.optimizers["adam_g"].param_groups)

    whole = torch.optim.AdamW

    def not_here(*args: object, fused: bool = False, **more: object) -> torch.optim.Optimizer:
        if fused:
            raise RuntimeError("`fused=True` requires all the params to be on supported devices")
        return whole(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(torch.optim, "AdamW", not_here)
    plain = build_trainer(tiny(), CPU)
    assert not any(group["fused"] for group in plain.state.optimizers["adam_g"].param_groups)
    train_step(fused, batch)
    train_step(plain, batch)
    for a, b in zip(fused.network.parameters(), plain.network.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-4)


def test_memory_is_told_in_bytes() -> None:
    assert 20e6 < peak_bytes(CPU) < 1e12
