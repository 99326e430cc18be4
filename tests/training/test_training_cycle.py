"""Masks learned from real masked photos, as an optional part of training."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from unveilify.core.errors import UserError
from unveilify.core.landmarks import Landmarks
from unveilify.core.pictures import encode_png
from unveilify.core.records import Face
from unveilify.core.written import OutputFolder
from unveilify.models.contract import Batch
from unveilify.models.layers.mask_on import MaskOn
from unveilify.training import cycle, unpaired
from unveilify.training.config import CycleConfig, TrainConfig
from unveilify.training.inputs import with_digests
from unveilify.training.loop import Machine, run
from unveilify.training.losses import Loss
from unveilify.training.step import train_step
from unveilify.training.trainer import Trainer, build_trainer
from unveilify.training.unpaired import Unpaired

CPU = torch.device("cpu")
SMALL: dict[str, Any] = {
    "model": "plus",
    "network": {"width": 0.25},
    "recipe": {"lpips": 0, "identity": 0, "adversarial": 0},
    "size_px": 32,
    "samples": 100,
    "batch": 4,
    "bf16": False,
}


@pytest.fixture
def batch() -> Batch:
    torch.manual_seed(3)
    hole = torch.zeros(4, 1, 32, 32)
    hole[:, :, 16:28, 8:24] = 1
    truth = torch.rand(4, 3, 32, 32) * 2 - 1
    return Batch(truth * (1 - hole), torch.rand(4, 2, 3, 32, 32), torch.full((4,), 2), hole, truth)


@pytest.fixture
def photos() -> Unpaired:
    draw = np.random.default_rng(0)
    return Unpaired(
        draw.integers(0, 256, (5, 32, 32, 3), dtype=np.uint8), draw.integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    )


def trainer_with(tmp_path: Path, **changes: Any) -> Trainer:
    settings = CycleConfig(photos=tmp_path, **{"begins": 0.0, **changes})
    trainer = build_trainer(TrainConfig(**SMALL, cycle=settings), CPU)
    cycle.add_parts(trainer)
    return trainer


def weights_of(trainer: Trainer) -> dict[str, Tensor]:
    return {
        f"{part}.{name}": value.clone()
        for part, module in trainer.state.modules.items()
        for name, value in module.state_dict().items()
    }


def moved(before: dict[str, Tensor], after: dict[str, Tensor], part: str) -> bool:
    return any(not torch.equal(before[name], after[name]) for name in before if name.startswith(f"{part}."))


def test_every_part_learns(tmp_path: Path, batch: Batch, photos: Unpaired) -> None:
    trainer = trainer_with(tmp_path)
    before = weights_of(trainer)
    losses = cycle.learn(trainer, photos, batch)
    after = weights_of(trainer)
    assert all(moved(before, after, part) for part in ("network", "mask_on", "critic"))
    assert all(np.isfinite(float(value)) for value in losses.values())
    assert {"redraw_real", "redraw_fool", "cycle_colour", "cycle_bare", "cycle_critic"} <= set(losses)
    assert trainer.state.position.step == 0


def test_the_network_waits_until_masks_are_learned(tmp_path: Path, batch: Batch, photos: Unpaired) -> None:
    trainer = trainer_with(tmp_path, begins=0.5)
    before = weights_of(trainer)
    cycle.learn(trainer, photos, batch)
    after = weights_of(trainer)
    assert not moved(before, after, "network")
    assert moved(before, after, "mask_on")


def test_neither_network_is_paid_for_what_the_other_does(
    tmp_path: Path, batch: Batch, photos: Unpaired, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cheats of a cycle, hidden messages and masks left on, need gradients from one network to the other."""
    trainer = trainer_with(tmp_path, weight=0.0, adversarial=0.0)
    before = weights_of(trainer)
    cycle.learn(trainer, photos, batch)
    assert not moved(before, weights_of(trainer), "network"), "redrawing masks moved the network that takes them off"

    monkeypatch.setattr(
        cycle, "_losses_of_mask_on", lambda trainer, dressed, *_: {"nothing": Loss(0 * dressed.alpha.sum())}
    )
    trainer = trainer_with(tmp_path)
    before = weights_of(trainer)
    cycle.learn(trainer, photos, batch)
    after = weights_of(trainer)
    assert not moved(before, after, "mask_on"), "taking masks off moved the network that puts them on"
    assert moved(before, after, "network")


def test_a_mask_left_on_costs_more_than_a_bare_face(tmp_path: Path) -> None:
    """After a few steps the critic tells grey masks from bare faces, and the network's loss falls without a mask."""
    torch.manual_seed(0)
    trainer = trainer_with(tmp_path)
    bare = torch.rand(8, 3, 32, 32) - 0.5
    masked = bare.clone()
    masked[:, :, 16:] = 0.1
    for _ in range(30):
        verdict = cycle._loss_of_critic(trainer, masked, bare, masked.flip(0), bare.flip(0))
        trainer.state.optimizers["adam_critic"].zero_grad()
        verdict.backward()  # type: ignore[no-untyped-call]
        trainer.state.optimizers["adam_critic"].step()
    left, off = (sum(float(cycle._fools(trainer, x, worn=False)) for _ in range(20)) for x in (masked, bare))
    assert left > off


def test_real_photos_do_not_move_where_masks_lie(tmp_path: Path, batch: Batch) -> None:
    """Else both networks spread their masks over what the other has painted, until these fill the picture."""
    trainer = trainer_with(tmp_path)
    mask_on = trainer.state.modules["mask_on"]
    assert batch.unmasked is not None
    dressed = mask_on(batch.unmasked, batch.masked)
    losses = cycle._losses_of_mask_on(trainer, dressed, batch, torch.rand(4, 3, 32, 32), torch.rand(4, 3, 32, 32))
    assert isinstance(mask_on, MaskOn)
    (losses["redraw_real"].value + losses["redraw_fool"].value).backward(retain_graph=True)  # type: ignore[no-untyped-call]
    gradient = mask_on.fine[2].weight.grad
    assert isinstance(gradient, Tensor)
    assert bool(gradient[:2].any())
    assert not bool(gradient[2].any())
    (losses["redraw_alpha"].value + losses["redraw_drawn"].value).backward()  # type: ignore[no-untyped-call]
    assert bool(gradient[2].any())


def test_resumed_is_uninterrupted(tmp_path: Path, batch: Batch, photos: Unpaired) -> None:
    def steps(trainer: Trainer, count: int) -> None:
        for _ in range(count):
            cycle.learn(trainer, photos, batch)
            train_step(trainer, batch)

    whole = trainer_with(tmp_path)
    steps(whole, 4)
    first = trainer_with(tmp_path)
    steps(first, 2)
    first.state.save(tmp_path / "half.safetensors")
    second = trainer_with(tmp_path)
    torch.manual_seed(99)
    second.state.load(tmp_path / "half.safetensors")
    steps(second, 2)
    assert second.state.position == whole.state.position
    for name, value in weights_of(whole).items():
        assert torch.equal(value, weights_of(second)[name]), name


def test_off_it_changes_no_byte(tmp_path: Path, batch: Batch) -> None:
    """Initial weights do not depend on the parts that the cycle adds, and without it there are none."""
    off, on = build_trainer(TrainConfig(**SMALL), CPU), trainer_with(tmp_path)
    assert set(off.state.modules) == {"network", "average"}
    plain, joined = weights_of(off), weights_of(on)
    assert all(torch.equal(value, joined[name]) for name, value in plain.items())
    train_step(off, batch), train_step(on, batch)
    plain, joined = weights_of(off), weights_of(on)
    assert all(torch.equal(value, joined[name]) for name, value in plain.items())


def test_the_order_of_photos_is_a_function_of_the_position() -> None:
    crops = np.arange(7, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 3), np.uint8)
    long = unpaired.deal(crops, 5, 0, 14)
    assert torch.equal(long[4:8], unpaired.deal(crops, 5, 4, 4))
    shown = ((long[:, 0, 0, 0] + 1) * 127.5).round().int().tolist()
    assert sorted(shown[:7]) == sorted(shown[7:]) == list(range(7))
    assert shown[:7] != shown[7:]
    assert not torch.equal(long, unpaired.deal(crops, 6, 0, 14))


def test_landmarks_are_dealt_with_their_photos() -> None:
    """Each photo is bright at its own landmark and black elsewhere."""
    draw = np.random.default_rng(0)
    crops, points = np.zeros((7, 16, 16, 3), np.uint8), np.zeros((7, 5, 2), np.float32)
    for i in range(7):
        x, y = draw.integers(0, 16, 2)
        crops[i, y, x] = 255
        points[i] = (np.array([x, y]) + 0.5) / 16
    shown, told = unpaired.deal(crops, 5, 3, 20), unpaired.deal_landmarks(points, 5, 3, 20)
    for picture, (x, y) in zip(shown, (told[:, 2] * 16 - 0.5).round().long(), strict=True):
        assert picture[0, y, x] == 1


def test_the_network_is_told_the_landmarks_of_real_photos(
    tmp_path: Path, batch: Batch, photos: Unpaired, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = np.random.default_rng(0).random((5, 68, 2), np.float32)
    trainer = trainer_with(tmp_path)
    told = []
    forward = trainer.network.forward
    monkeypatch.setattr(trainer.network, "forward", lambda batch: told.append(batch) or forward(batch))
    cycle.learn(trainer, replace(photos, landmarks=points), batch)
    want = unpaired.deal_landmarks(points, trainer.config.seed, 0, len(told[0]))
    assert torch.equal(told[0].landmarks, want)
    assert told[0].identity_landmarks is None


class Anywhere:
    """Finds one face in the middle of every picture, but none in a black one."""

    def __init__(self, landmarks: str) -> None:
        self.landmarks = landmarks

    def find(
        self, image: NDArray[np.uint8], *, masked: bool = False, everyone: bool = False, path: str = ""
    ) -> list[Face]:
        points = np.full((68, 2), 20, np.float32)
        points[36:42], points[42:48] = (12, 16), (28, 16)
        return [Face(Landmarks(points, "ibug68"), (5, 5, 30, 30), 0.9, 0.9)] if image.any() else []


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., CycleConfig]:
    monkeypatch.setattr(unpaired, "AnyWay", SimpleNamespace(load=Anywhere))

    def make(*names: str, black: bool = False, **settings: Any) -> CycleConfig:
        draw = np.random.default_rng(1)
        root = tmp_path / "photos"
        root.mkdir(exist_ok=True)
        for name in names:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            picture = draw.integers(0, 256, (40, 40, 3), dtype=np.uint8) * (not black)
            (root / name).write_bytes(encode_png(picture))
        return CycleConfig(photos=root, **settings)

    return make


def test_photos_are_found_and_aligned_once(
    folder: Callable[..., CycleConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = folder("a/masked/1.png", "a/unmasked/2.png", "b/masked/3.png", "4.png")
    unpaired.prepare(config, 32, OutputFolder(tmp_path / "kept"))
    photos = unpaired.opened(OutputFolder(tmp_path / "kept"))
    assert (photos.masked.shape, photos.bare.shape) == ((3, 32, 32, 3), (1, 32, 32, 3))
    assert photos.landmarks is not None
    assert photos.landmarks.shape == (3, 68, 2)
    np.testing.assert_allclose(photos.landmarks[:, 36], [[0.375, 0.4]] * 3, atol=0.01)
    monkeypatch.setattr(unpaired, "AnyWay", None)
    unpaired.prepare(config, 32, OutputFolder(tmp_path / "kept"))


def test_only_the_people_of_the_list_are_taken(folder: Callable[..., CycleConfig], tmp_path: Path) -> None:
    (tmp_path / "people.tsv").write_text("identity\trole\nb\ttune\n# c\n")
    config = folder("a/masked/1.png", "b/masked/2.png", "c/masked/3.png", people=tmp_path / "people.tsv")
    assert [path.name for path in unpaired.listed(config)] == ["2.png"]


def test_no_masked_photos_is_one_sentence(folder: Callable[..., CycleConfig], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"There is no folder .*nowhere"):
        unpaired.listed(CycleConfig(photos=tmp_path / "nowhere"))
    with pytest.raises(UserError, match=r"There are no masked photos in .*: put some there"):
        unpaired.listed(folder())
    with pytest.raises(UserError, match="There are no masked photos in"):
        unpaired.listed(folder("a/unmasked/1.png"))
    with pytest.raises(UserError, match="Cannot read the list of people"):
        unpaired.listed(folder("1.png", people=tmp_path / "gone.txt"))
    with pytest.raises(UserError, match="No face is found in any masked photo"):
        unpaired.prepare(folder("1.png", black=True), 32, OutputFolder(tmp_path / "kept"))


def test_a_run_is_bound_to_its_photos(folder: Callable[..., CycleConfig]) -> None:
    first = with_digests(TrainConfig(cycle=folder("1.png")))
    assert first == with_digests(TrainConfig(cycle=folder("1.png")))
    more = with_digests(TrainConfig(cycle=folder("1.png", "2.png")))
    assert first.cycle is not None
    assert more.cycle is not None
    assert first.cycle.sha256 != more.cycle.sha256


def test_a_network_that_must_be_told_the_mask_is_refused(tmp_path: Path) -> None:
    trainer = trainer_with(tmp_path)
    trainer.config = trainer.config.model_copy(update={"model": "dmfn"})
    with pytest.raises(UserError, match="'dmfn' must be told where the mask is"):
        cycle.with_cycle(trainer, OutputFolder(tmp_path))


def test_train_with_a_cycle_end_to_end(small_shards: Path, folder: Callable[..., CycleConfig], tmp_path: Path) -> None:
    config = folder("1.png", "2.png", "3.png", begins=0.0)
    settings = TrainConfig(**SMALL | {"samples": 8}, cycle=config)

    def trained(name: str, *minutes: float | None) -> bytes:
        for limit in minutes:
            run(settings, small_shards, tmp_path / name, Machine("cpu", 1, 0, limit))
        return (tmp_path / name / "best.safetensors").read_bytes()

    assert trained("whole", None) == trained("halves", 0.0, None)
    assert not (tmp_path / "whole" / "_work").exists()
