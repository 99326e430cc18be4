from dataclasses import replace

import pytest
import torch
from skimage.metrics import structural_similarity
from torch import Tensor, nn

from unveilify.models.contract import Batch, Output, Recipe
from unveilify.models.zoo import plus
from unveilify.training import losses
from unveilify.training.losses import Judges
from unveilify.training.step import R1_EVERY, judged

NONE = Judges(None, None, {})


@pytest.fixture
def batch() -> Batch:
    torch.manual_seed(0)
    hole = torch.zeros(2, 1, 16, 16)
    hole[:, :, 8:] = 1
    truth = torch.rand(2, 3, 16, 16) * 2 - 1
    return Batch(truth * (1 - hole), torch.rand(2, 1, 3, 16, 16), torch.ones(2, dtype=torch.int64), hole, truth)


class Judge(nn.Module):
    """Logits that are a linear function of the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(0.3))

    def forward(self, image: Tensor, batch: Batch) -> Tensor:
        return self.weight * image.mean(dim=(1, 2, 3), keepdim=True)


def test_the_truth_costs_nothing(batch: Batch) -> None:
    assert batch.unmasked is not None
    recipe = Recipe(l1=20, l1_hole=1, mse=1, ssim=1)
    found = losses.generator_losses(Output(batch.unmasked), batch, NONE, recipe)
    assert {name: pytest.approx(0, abs=1e-5) for name in ("l1", "l1_hole", "mse", "ssim")} == {
        name: float(loss.value) for name, loss in found.items()
    }


def test_losses_are_unweighted_and_their_sum_is_weighted(batch: Batch) -> None:
    found = losses.generator_losses(Output(losses.target(batch) + 0.5), batch, NONE, Recipe(l1=20, l1_hole=3))
    assert float(found["l1"].value) == pytest.approx(0.5)
    assert float(found["l1_hole"].value) == pytest.approx(0.5)
    assert float(losses.total(found)) == pytest.approx(11.5)


def test_a_term_of_the_network_has_its_own_weight(batch: Batch) -> None:
    """Even one that is called as a loss of the recipe is."""
    output = Output(losses.target(batch), terms={"alpha": torch.tensor(2.0)}, weights={"alpha": 0.25})
    found = losses.generator_losses(output, batch, NONE, Recipe(l1=1, alpha=9))
    assert float(found["alpha"].value) == 2
    assert float(losses.total(found)) == pytest.approx(0.5)


def test_every_hole_counts_alike_however_small(batch: Batch) -> None:
    batch.hole[1, :, 9:] = 0
    error = torch.zeros_like(batch.masked)
    error[1] = 1
    found = losses.generator_losses(Output(losses.target(batch) + error), batch, NONE, Recipe(l1_hole=1))
    assert float(found["l1_hole"].value) == pytest.approx(0.5)
    batch.hole[:] = 0
    found = losses.generator_losses(Output(losses.target(batch) + error), batch, NONE, Recipe(l1_hole=1))
    assert float(found["l1_hole"].value) == 0


def test_the_loss_in_the_hole_does_not_see_the_rest(batch: Batch) -> None:
    error = torch.zeros_like(batch.masked)
    error[:, :, :8] = 1
    outside = losses.generator_losses(Output(losses.target(batch) + error), batch, NONE, Recipe(l1_hole=3))
    assert float(outside["l1_hole"].value) == 0


def test_nothing_is_learned_outside_the_photo(batch: Batch) -> None:
    """A face crop repeats the photo's border there: a painter that learned from it drew streaks."""
    assert batch.unmasked is not None
    inside = torch.ones_like(batch.hole)
    inside[..., 20:, :] = 0
    made = torch.zeros_like(batch.masked, requires_grad=True)
    image = judged(Output(made), replace(batch, inside=inside)).image
    outside = (inside == 0).expand_as(image)
    assert torch.equal(image[outside], batch.unmasked[outside])
    assert torch.equal(image[~outside], made[~outside])
    (gradient,) = torch.autograd.grad(image.sum(), made)
    assert torch.equal(gradient != 0, ~outside)
    assert judged(Output(made), batch).image is made


def test_ssim_agrees_with_scikit_image() -> None:
    torch.manual_seed(1)
    a = torch.rand(1, 3, 40, 40) * 2 - 1
    b = (a + 0.3 * torch.randn_like(a)).clamp(-1, 1)
    images = [x[0].permute(1, 2, 0).numpy() for x in (a, b)]
    _, full = structural_similarity(
        *images, data_range=2, channel_axis=2, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True
    )
    assert float(losses.ssim(a, b)) == pytest.approx(full[5:-5, 5:-5].mean(), abs=1e-4)


@pytest.mark.parametrize("gan", ["bce", "hinge", "relativistic"])
def test_the_game_pulls_both_ways(batch: Batch, gan: str) -> None:
    recipe, judge = Recipe(adversarial=1, gan=gan), Judge()  # type: ignore[arg-type]
    fake = (losses.target(batch) - 1).requires_grad_(True)
    generator = losses.adversarial_loss(judge, fake, batch, recipe)
    generator.backward()
    assert judge.weight.grad is None, "the generator's step leaves the discriminator alone"
    assert fake.grad is not None
    assert (fake.grad < 0).all(), "brighter looks more real to this judge"
    losses.discriminator_loss(judge, fake, batch, recipe).backward()
    assert judge.weight.grad is not None
    assert judge.weight.grad < 0, "more weight tells them apart better"


def test_r1_of_a_linear_judge(batch: Batch) -> None:
    # The gradient of w · mean(x) is w / n at each of n values, so its squared norm is w² / n.
    judge = Judge()
    assert float(losses.r1_penalty(judge, batch)) == pytest.approx(0.3**2 / (3 * 16 * 16), rel=1e-4)


def test_r1_does_not_depend_on_the_number_of_patches(batch: Batch) -> None:
    class Patches(Judge):
        def forward(self, image: torch.Tensor, batch: Batch) -> torch.Tensor:
            verdict: torch.Tensor = super().forward(image, batch)
            return verdict.reshape(len(image), 1, 1, 1).expand(-1, 1, 8, 8)

    assert float(losses.r1_penalty(Patches(), batch)) == pytest.approx(float(losses.r1_penalty(Judge(), batch)))


def test_roughened_pictures_keep_the_face_and_lose_a_fine_pattern() -> None:
    torch.manual_seed(0)
    steps = torch.arange(64)
    face = nn.functional.interpolate(torch.rand(1, 3, 6, 6), size=64, mode="bicubic").requires_grad_()
    stripes = 0.2 * (steps % 2 * 2 - 1).expand(1, 3, 64, 64)
    left = []
    for _ in range(20):
        made, true = losses.roughened(face + stripes, face)
        assert (true - face).abs().mean() < 0.06
        left.append(float((made - true).abs().mean()) / 0.2)
    assert sum(left) / len(left) < 0.5
    made.sum().backward()
    assert face.grad is not None
    assert face.grad.abs().min() > 0


def test_a_missing_judge_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    from unveilify.core.errors import UserError

    def missing() -> None:
        raise UserError("vgg16 is not here")

    monkeypatch.setattr(losses.lpips, "best_at_hand", missing)
    monkeypatch.setattr(losses.recogniser, "for_loss", missing)
    judges = losses.find_judges(Recipe(l1=1, lpips=1, identity=1), torch.device("cpu"))
    assert judges.lpips is judges.recogniser is None
    assert judges.notes["lpips"] == "not live: vgg16 is not here"
    assert judges.notes["adversarial"] == "off"


def test_the_penalty_of_plus_leaves_its_discriminator_able_to_learn() -> None:
    """It once weighed so much that the discriminator said 0 of everything, for the whole of a training."""
    torch.manual_seed(0)
    recipe, judge = plus.RECIPE, plus.discriminator(plus.Config(size_px=64))
    assert judge is not None
    optimizer = torch.optim.AdamW(judge.parameters(), recipe.lr_d, recipe.betas)
    for step in range(64):
        truth = torch.rand(4, 3, 64, 64) * 2 - 1
        batch = Batch(truth, truth[:, None], torch.ones(4, dtype=torch.int64), truth[:, :1] * 0, truth)
        loss = losses.discriminator_loss(judge, nn.functional.avg_pool2d(truth, 3, 1, 1), batch, recipe)
        if step % R1_EVERY == 0:
            loss = loss + 0.5 * recipe.r1 * R1_EVERY * losses.r1_penalty(judge, batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert float(loss) < 0.5, "noise and blurred noise are easy to tell apart; saying nothing scores 2"
