"""What the discriminator sees pictures through: alike for true and made ones, transparent to gradients, repeatable."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from unveilify.core.config import build
from unveilify.core.errors import UserError
from unveilify.models.contract import Batch, Recipe
from unveilify.training import losses
from unveilify.training.config import DISCRIMINATOR_KINDS, TrainConfig
from unveilify.training.diffaug import Augmented, colour, cut, draw, shift
from unveilify.training.distributed import World
from unveilify.training.step import _behind_augmentation, train_step
from unveilify.training.trainer import Trainer, build_trainer

TINY = TrainConfig(
    network={"width": 0.125, "depth": 0.2},
    recipe={"lpips": 0, "identity": 0, "r1": 1.0},
    size_px=32,
    samples=64,
    batch=2,
    augment_discriminator="colour,translation,cutout",
)


def make_batch(seed: int = 0) -> Batch:
    torch.manual_seed(seed)
    hole = torch.zeros(2, 1, 32, 32)
    hole[:, :, 16:, 8:24] = 1
    truth = torch.rand(2, 3, 32, 32) * 2 - 1
    return Batch(truth * (1 - hole), torch.rand(2, 1, 3, 32, 32), torch.ones(2, dtype=torch.int64), hole, truth)


def game_of(config: TrainConfig, world: World = World()) -> Trainer:  # noqa: B008 (frozen)
    return build_trainer(config, torch.device("cpu"), world)


class Linear(nn.Module):
    """Logits that are a fixed linear function of the picture."""

    def forward(self, image: Tensor, batch: Batch) -> Tensor:
        return (image * torch.linspace(-1, 1, 32)).mean((1, 2, 3))


class Witness(nn.Module):
    """Notes what it is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[Tensor, Batch]] = []

    def forward(self, image: Tensor, batch: Batch) -> Tensor:
        self.seen.append((image, batch))
        return image.mean((1, 2, 3))


@pytest.mark.parametrize("kind", DISCRIMINATOR_KINDS)
def test_the_gradient_goes_back_through_every_transform(kind: str) -> None:
    """Numerically: moving a pixel changes the verdict by what the gradient says."""
    numbers = draw(0, 3, 2)
    judge = Augmented(Linear(), (kind,), numbers)
    batch = make_batch()
    image = make_batch(1).masked.double().requires_grad_(True)
    judge(image, batch).sum().backward()
    assert image.grad is not None
    direction = torch.randn_like(image)
    with torch.no_grad():
        apart = judge(image + 1e-4 * direction, batch).sum() - judge(image - 1e-4 * direction, batch).sum()
    assert float(apart) / 2e-4 == pytest.approx(float((image.grad * direction).sum()), rel=1e-4)


def test_the_generator_is_told_what_to_change() -> None:
    trainer = game_of(TINY)
    batch = make_batch()
    judge = _behind_augmentation(trainer, trainer.state.modules["discriminator"], 2)
    image = trainer.network(batch).image
    losses.adversarial_loss(judge, image, batch, trainer.recipe).backward()
    gradients = [p.grad for p in trainer.network.parameters() if p.grad is not None]
    assert gradients
    assert all(g.isfinite().all() for g in gradients)
    assert any(g.any() for g in gradients)
    assert all(p.grad is None for p in trainer.state.modules["discriminator"].parameters())
    assert float(losses.r1_penalty(judge, batch).detach()) > 0


def test_true_and_made_pictures_go_through_the_same_transform() -> None:
    """A made picture that equals the true one looks the same to the discriminator, whatever it goes through."""
    batch, witness = make_batch(), Witness()
    judge = Augmented(witness, DISCRIMINATOR_KINDS, draw(0, 5, 2))
    truth = losses.target(batch)
    losses.discriminator_loss(judge, truth.clone(), batch, Recipe())
    losses.adversarial_loss(judge, truth.clone(), batch, Recipe())
    assert len(witness.seen) == 3
    for image, told in witness.seen[1:]:
        assert torch.equal(image, witness.seen[0][0])
        assert torch.equal(told.masked, witness.seen[0][1].masked)
    assert not torch.equal(witness.seen[0][0], truth)


def test_what_is_conditioned_on_moves_along() -> None:
    batch, witness = make_batch(), Witness()
    numbers = draw(0, 1, 2)
    Augmented(witness, ("translation",), numbers)(batch.masked, batch)
    image, told = witness.seen[0]
    assert torch.equal(told.masked, image)
    assert not torch.equal(image, batch.masked)
    for name in ("hole", "unmasked"):
        assert torch.equal(getattr(told, name), shift(getattr(batch, name), numbers[:, 3:5]))
    assert torch.equal(told.identity[:, 0], shift(batch.identity[:, 0], numbers[:, 3:5]))
    Augmented(witness, ("colour", "cutout"), numbers)(batch.masked, batch)
    assert witness.seen[1][1] is batch


def test_the_transforms_are_the_papers() -> None:
    x = torch.rand(3, 3, 32, 32) * 2 - 1
    middle = torch.full((3, 7), 0.5)
    torch.testing.assert_close(colour(x, middle[:, :3]), x)
    assert torch.equal(shift(x, middle[:, 3:5]), x)
    far = shift(x, torch.tensor([[0.0, 0.999]] * 3))
    assert torch.equal(far[:, :, :28, 4:], x[:, :, 4:, :28].roll(0)) or torch.equal(
        far[:, :, 4:, :28], x[:, :, :28, 4:]
    )
    blank = cut(torch.ones_like(x), middle[:, 5:7])
    assert float(blank.mean()) == pytest.approx(1 - 15 * 15 / 32**2)
    assert float(cut(torch.ones_like(x), torch.zeros(3, 2)).mean()) == pytest.approx(1 - 8 * 8 / 32**2)
    brighter, greyer, flatter = (
        colour(x, torch.tensor([n] * 3)) for n in ([1, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0])
    )
    torch.testing.assert_close(brighter, x + 0.5)
    torch.testing.assert_close(greyer, x.mean(1, keepdim=True).expand_as(x))
    torch.testing.assert_close(flatter.std((1, 2, 3)), x.std((1, 2, 3)) / 2)


def test_every_shift_is_as_likely() -> None:
    line = torch.zeros(1, 1, 32, 32)
    line[..., 16, 16] = 1
    numbers = torch.cat([draw(0, step, 8)[:, 3:5] for step in range(400)])
    moved = shift(line.expand(len(numbers), -1, -1, -1), numbers)
    rows = moved.amax((1, 3)).argmax(1) - 16
    counts = torch.bincount(rows + 4, minlength=9)
    assert len(counts) == 9
    assert counts.min() > 0.7 * len(numbers) / 9


def test_two_processes_draw_what_one_draws() -> None:
    def numbers(rank: int, size: int, count: int) -> Tensor:
        trainer = game_of(TINY, World(rank, size))
        judge = _behind_augmentation(trainer, nn.Identity(), count)
        assert isinstance(judge, Augmented)
        return judge.numbers

    assert torch.equal(torch.cat([numbers(0, 2, 2), numbers(1, 2, 2)]), numbers(0, 1, 4))
    assert not torch.equal(draw(0, 1, 4), draw(0, 2, 4))
    assert not torch.equal(draw(0, 1, 4), draw(1, 1, 4))


def test_a_resumed_training_repeats_it(tmp_path: Path) -> None:
    whole = game_of(TINY)
    for step in range(3):
        train_step(whole, make_batch(step))
        if step == 1:
            whole.state.save(tmp_path / "two.safetensors")
    resumed = game_of(TINY)
    resumed.state.load(tmp_path / "two.safetensors")
    train_step(resumed, make_batch(2))
    plain = game_of(TINY.model_copy(update={"augment_discriminator": ""}))
    plain.state.load(tmp_path / "two.safetensors")
    train_step(plain, make_batch(2))
    for name in ("network", "discriminator"):
        wanted, found = whole.state.modules[name].state_dict(), resumed.state.modules[name].state_dict()
        assert all(torch.equal(wanted[key], found[key]) for key in wanted), name
    critic, other = (g.state.modules["discriminator"].state_dict() for g in (whole, plain))
    assert any(not torch.equal(critic[key], other[key]) for key in critic), "it has an effect"


def test_it_is_off_unless_asked_for() -> None:
    trainer = game_of(TINY.model_copy(update={"augment_discriminator": ""}))
    assert _behind_augmentation(trainer, trainer.network, 2) is trainer.network
    assert TrainConfig().discriminator_kinds == ()
    assert build(TrainConfig, {"augment_discriminator": True}).discriminator_kinds == DISCRIMINATOR_KINDS
    assert build(TrainConfig, {"augment_discriminator": False}).discriminator_kinds == ()
    assert build(TrainConfig, {"augment_discriminator": "cutout"}).discriminator_kinds == ("cutout",)
    with pytest.raises(UserError, match="'flip'"):
        build(TrainConfig, {"augment_discriminator": "colour,flip"})


def test_landmarks_move_with_the_pictures() -> None:
    """A bright pixel is at a landmark before and after."""
    batch = make_batch()
    x, y = torch.tensor([10, 20]), torch.tensor([12, 17])
    spots = torch.full((2, 3, 32, 32), -1.0)
    spots[[0, 1], :, y, x] = 1
    points = ((torch.stack([x, y], 1) + 0.5) / 32)[:, None]
    deep = torch.cat([points, torch.full((2, 1, 1), 0.3)], 2)
    batch = replace(batch, masked=spots, landmarks=points, identity_landmarks=points[:, None], unmasked_landmarks=deep)
    witness = Witness()
    Augmented(witness, ("translation",), draw(0, 3, 2))(spots, batch)
    seen = witness.seen[0][1]
    assert seen.landmarks is not None
    assert seen.identity_landmarks is not None
    assert seen.unmasked_landmarks is not None
    assert not torch.equal(seen.landmarks, points)
    torch.testing.assert_close(seen.identity_landmarks[:, 0], seen.landmarks)
    torch.testing.assert_close(seen.unmasked_landmarks[..., :2], seen.landmarks)
    torch.testing.assert_close(seen.unmasked_landmarks[..., 2], deep[..., 2])
    for i, place in enumerate((seen.landmarks[:, 0] * 32 - 0.5).round().long()):
        assert seen.masked[i, 0, place[1], place[0]] == 1
