import json
from pathlib import Path

import pytest
import torch
from torch import nn

from unveilify.core.errors import UserError
from unveilify.training.config import TrainConfig
from unveilify.training.loop import Machine, run
from unveilify.training.state import Position, TrainState, UnusableError, checkpoints, name_of, resume


def trained(steps: int = 2) -> TrainState:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    optimizer = torch.optim.AdamW(network.parameters(), 0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        network(torch.randn(5, 3)).square().sum().backward()
        optimizer.step()
    return TrainState({"network": network}, {"adam_g": optimizer}, Position(step=steps, seen=5 * steps, best=0.25))


def test_everything_comes_back(tmp_path: Path) -> None:
    old, new = trained(), trained(0)
    old.running.add({"l1": 0.1, "identity": float("nan")})
    old.save(tmp_path / "a.safetensors")
    new.load(tmp_path / "a.safetensors")
    assert new.position == old.position
    assert new.running == old.running
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
    with pytest.raises(UnusableError):
        state.load(path)


def test_another_network_is_refused(tmp_path: Path) -> None:
    state = trained()
    state.save(tmp_path / "a.safetensors")
    other = TrainState({"network": nn.Linear(3, 4)}, {})
    with pytest.raises(UnusableError, match="of another network"):
        other.load(tmp_path / "a.safetensors")


def test_checkpoints_are_in_order_of_training(tmp_path: Path) -> None:
    for seen in (10_000_000, 8, 900):
        trained().save(tmp_path / f"checkpoint-{seen:010d}.safetensors")
    assert [int(p.stem.split("-")[1]) for p in checkpoints(tmp_path)] == [8, 900, 10_000_000]


def saved(tmp_path: Path, *seen: int) -> TrainState:
    for number in seen:
        state = trained(1 + number // 10)
        state.position.seen = number
        state.save(tmp_path / name_of(number))
    return trained(0)


def test_any_flipped_bit_is_noticed(tmp_path: Path) -> None:
    """In the header, in what is said of the training, in a weight, in a moment: everywhere."""
    state = saved(tmp_path, 10)
    whole = (tmp_path / name_of(10)).read_bytes()
    before = {name: value.clone() for name, value in state.modules["network"].state_dict().items()}
    path = tmp_path / name_of(10)
    for place in range(0, len(whole), max(1, len(whole) // 120)):
        for bit in (0, 3, 7):
            data = bytearray(whole)
            data[place] ^= 1 << bit
            path.write_bytes(data)
            with pytest.raises(UnusableError):
                state.load(path)
    assert all(torch.equal(value, before[name]) for name, value in state.modules["network"].state_dict().items())


@pytest.mark.parametrize("where", ["weights", "moments"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_finite_is_neither_written_nor_read(tmp_path: Path, where: str, value: float) -> None:
    state = trained()
    path = tmp_path / "a.safetensors"
    if where == "weights":
        next(state.modules["network"].parameters()).data.view(-1)[0] = value
    else:
        next(iter(state.optimizers["adam_g"].state.values()))["exp_avg_sq"].view(-1)[0] = value
    name = r"network\.0\.weight" if where == "weights" else r"adam_g\.0\.exp_avg_sq"
    with pytest.raises(UnusableError, match=f"{name} is not finite"):
        state.save(path)
    assert list(tmp_path.iterdir()) == []

    with pytest.MonkeyPatch.context() as patch:  # as somebody else's program may have written it
        patch.setattr("unveilify.training.state.files.not_finite", lambda _: None)
        state.save(path)
    with pytest.raises(UnusableError, match=f"{name} is not finite"):
        trained(0).load(path)


def test_a_checkpoint_of_another_training_is_named(tmp_path: Path) -> None:
    state = trained()
    state.of = {"config": {"seed": 0}, "input": "a"}
    state.save(tmp_path / "a.safetensors")
    state.of = {"config": {"seed": 1}, "input": "a"}
    with pytest.raises(UnusableError, match=r"another training: config\.seed: 0 -> 1"):
        state.load(tmp_path / "a.safetensors")


@pytest.mark.parametrize(
    ("name", "value"), [("seen", -1), ("step", 1.5), ("step", None), ("best", float("nan")), ("colour", 3)]
)
def test_a_position_that_cannot_be_is_refused(tmp_path: Path, name: str, value: object) -> None:
    from unveilify.models import tensors

    state = trained()
    state.save(tmp_path / "a.safetensors")
    about, found = tensors.read(tmp_path / "a.safetensors")
    about["position"][name] = "NaN" if name == "best" else value
    tensors.write(tmp_path / "b.safetensors", found, about)
    with pytest.raises(UnusableError):
        trained(0).load(tmp_path / "b.safetensors")


def test_the_newest_whole_checkpoint_is_taken_and_the_others_are_put_aside(tmp_path: Path) -> None:
    state = saved(tmp_path, 10, 20, 30, 40)
    (tmp_path / name_of(40)).write_bytes(b"")
    data = bytearray((tmp_path / name_of(30)).read_bytes())
    data[-5] ^= 4
    (tmp_path / name_of(30)).write_bytes(data)
    said: list[str] = []
    assert resume(state, tmp_path, said.append) == tmp_path / name_of(20)
    assert state.position.seen == 20
    assert [f"{seen:010d}" in row and "cannot be used" in row for seen, row in zip((40, 30), said, strict=True)]
    assert [path.name for path in checkpoints(tmp_path)] == [name_of(10), name_of(20)]
    assert (tmp_path / f"unusable-{name_of(30)}").read_bytes() == bytes(data)


def test_a_renamed_checkpoint_is_not_taken(tmp_path: Path) -> None:
    saved(tmp_path, 10, 20)
    (tmp_path / name_of(20)).rename(tmp_path / name_of(90))
    said: list[str] = []
    assert resume(trained(0), tmp_path, said.append) == tmp_path / name_of(10)
    assert "written at 20 triplets" in said[0]


def test_no_whole_checkpoint_never_means_from_the_beginning(tmp_path: Path) -> None:
    saved(tmp_path, 10)
    (tmp_path / name_of(10)).write_bytes(b"x")
    for _ in range(2):
        with pytest.raises(UserError, match=r"No checkpoint in .* can be used .*--force"):
            resume(trained(0), tmp_path, lambda _: None)
    assert resume(trained(0), tmp_path / "empty", lambda _: None) is None


def test_what_was_put_aside_before_stays(tmp_path: Path) -> None:
    (tmp_path / "unusable-checkpoint-0000000010.safetensors").write_bytes(b"mine")
    (tmp_path / name_of(10)).write_bytes(b"damaged")
    said: list[str] = []
    state = trained(0)
    state.position = Position()
    trained(1).save(tmp_path / name_of(5))
    assert resume(state, tmp_path, said.append) == tmp_path / name_of(5)
    assert "put aside as unusable-2-checkpoint-0000000010.safetensors" in said[0]
    assert (tmp_path / "unusable-checkpoint-0000000010.safetensors").read_bytes() == b"mine"


def test_of_checkpoints_only_its_own_go(small_shards: Path, tmp_path: Path) -> None:
    """Old ones make room; one that somebody put there is not the training's to remove."""
    shape = {"network": {"width": 0.1, "depth": 0.2}, "recipe": {"lpips": 0, "identity": 0}, "size_px": 32, "batch": 4}
    config, out = TrainConfig(**shape, samples=8, validate_on=4, keep_checkpoints=1), tmp_path / "run"
    run(config.model_copy(update={"samples": 4}), small_shards, out, Machine("cpu", 1, workers=0))
    theirs = [out / name_of(seen) for seen in (1, 3)]
    for path in theirs:
        path.write_bytes((out / name_of(4)).read_bytes())
    run(config, small_shards, out, Machine("cpu", 1, workers=0))
    assert checkpoints(out) == [*theirs, out / name_of(8)]


def test_bfloat16_is_how_and_not_what(small_shards: Path, tmp_path: Path) -> None:
    """A training that was begun on a machine with it goes on where there is none."""
    shape = {"network": {"width": 0.1, "depth": 0.2}, "recipe": {"lpips": 0, "identity": 0}, "size_px": 32, "batch": 4}
    config = TrainConfig(**shape, samples=8, validate_on=4, bf16=True)
    assert run(config, small_shards, tmp_path / "run", Machine("cpu", 1, max_minutes=0)) is None
    again = config.model_copy(update={"bf16": False})
    assert run(again, small_shards, tmp_path / "run", Machine("cpu", 1)) is not None
    seen = [json.loads(line)["seen"] for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    assert seen == sorted(seen)
    assert seen[0] == 4, "of the run before"
