"""The losses that a recipe weighs, each live where its judge is at hand (paper, section 3.4)."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unveilify.core.errors import UserError
from unveilify.models.contract import Batch, Output, Recipe
from unveilify.models.layers.extra import ExtraLosses, Matches
from unveilify.models.together import mean_of_all, mean_where, rows
from unveilify.perception import lpips, recogniser
from unveilify.perception.lpips import Lpips
from unveilify.perception.recogniser import TorchRecogniser


class Loss(NamedTuple):
    """A scalar as its name says, which is what a log shows, and how much it counts."""

    value: Tensor
    weight: float = 1.0


def total(losses: Mapping[str, Loss]) -> Tensor:
    """What is descended: the weighted sum, in float32."""
    return torch.stack([loss.weight * loss.value.float() for loss in losses.values()]).sum()


@dataclass(frozen=True)
class Judges:
    """The pretrained networks behind two of the losses; ``notes`` says of each loss whether it is live.

    ``extra`` are losses that only the network's own paper has.
    """

    lpips: Lpips | None
    recogniser: TorchRecogniser | None
    notes: dict[str, str]
    extra: ExtraLosses | None = None

    def with_extra(self, extra: ExtraLosses) -> "Judges":
        """These judges and the network's own losses."""
        return replace(self, extra=extra, notes=self.notes | extra.notes)


def find_judges(recipe: Recipe, device: torch.device) -> Judges:
    """Load the judges that ``recipe`` asks for and that are at hand; a missing one is said, never replaced."""
    notes = {"l1": "live" if recipe.l1 or recipe.l1_hole else "off", "lpips": "off", "identity": "off"}
    notes["adversarial"] = "live" if recipe.adversarial else "off"
    perceptual = faces = None
    if recipe.lpips:
        try:
            perceptual = lpips.best_at_hand().to(device)
            notes["lpips"] = f"live ({perceptual.trunk})"
        except UserError as error:
            notes["lpips"] = f"not live: {error}"
    if recipe.identity:
        try:
            faces = recogniser.for_loss().to(device)
            notes["identity"] = f"live ({faces.name})"
        except UserError as error:
            notes["identity"] = f"not live: {error}"
    for judge in (perceptual, faces):
        if judge is not None:
            judge.to(memory_format=torch.channels_last)
    return Judges(perceptual, faces, notes)


def generator_losses(output: Output, batch: Batch, judges: Judges, recipe: Recipe) -> dict[str, Loss]:
    """Losses by name, all but the adversarial one; the identity loss is left out where its weight is 0."""
    truth = target(batch)
    image = output.image.float()
    losses = {name: Loss(term, output.weights.get(name, 1.0)) for name, term in output.terms.items()}
    if recipe.l1:
        losses["l1"] = Loss(F.l1_loss(image, truth), recipe.l1)
    if recipe.l1_hole:
        losses["l1_hole"] = Loss(mean_where((image - truth).abs(), batch.hole), recipe.l1_hole)
    if recipe.mse:
        losses["mse"] = Loss(F.mse_loss(image, truth), recipe.mse)
    if recipe.ssim:
        losses["ssim"] = Loss(1 - ssim(image, truth), recipe.ssim)
    if recipe.alpha and output.alpha is not None:
        with torch.autocast(image.device.type, enabled=False):
            found = output.alpha.float().clamp(1e-4, 1 - 1e-4)
            losses["alpha"] = Loss(F.binary_cross_entropy(found, batch.hole), recipe.alpha)
    if judges.lpips is not None:
        losses["lpips"] = Loss(judges.lpips(*(output.focused(x) for x in (image, truth))).mean(), recipe.lpips)
    if judges.recogniser is not None and recipe.identity:
        # In bfloat16 the recogniser's gradient points elsewhere (cosine to float32 down to 0.83).
        with torch.autocast(image.device.type, enabled=False):
            made, true = roughened(image, truth) if recipe.identity_rough else (image, truth)
            with torch.no_grad():
                wanted = judges.recogniser.embed(true)
            cosine = (judges.recogniser.embed(made) * wanted).sum(1)
            losses["identity"] = Loss((1 - cosine).mean(), recipe.identity)
    if judges.extra is not None and judges.extra.losses is not None:
        weights = judges.extra.weights
        found_by_extra = judges.extra.losses(output, batch)
        losses |= {name: Loss(value, weights.get(name, 1.0)) for name, value in found_by_extra.items()}
    return losses


def roughened(made: Tensor, true: Tensor) -> tuple[Tensor, Tensor]:
    """Both (B, 3, S, S) at the resolution of a random smaller side and with the same noise, as (B, 3, S, S).

    A network learns to please one recogniser with a faint pattern, the same in every face, that no other one cares
    for. What must survive a coarser picture and noise cannot be such a pattern.
    """
    side = true.shape[-1]
    small = round(side * (0.5 + 0.5 * float(torch.rand(()))))
    strength = 0.06 * float(torch.rand(()))
    noise = strength * rows(lambda n: torch.randn(n, *true.shape[1:], device=true.device), len(true))
    smaller = (F.interpolate(x, size=(small, small), mode="bilinear", antialias=True) for x in (made, true))
    coarse, wanted = (F.interpolate(x, size=(side, side), mode="bilinear") + noise for x in smaller)
    return coarse, wanted


def adversarial_loss(discriminator: nn.Module, fake: Tensor, batch: Batch, recipe: Recipe) -> Tensor:
    """The generator's share of the game, in its non-saturating form; D itself gets no gradient."""
    with frozen(discriminator):
        verdict: Tensor = discriminator(fake, batch)
        if recipe.gan == "hinge":
            return -verdict.mean()
        if recipe.gan == "relativistic":
            real = discriminator(target(batch), batch).detach()
            made, true = mean_of_all(verdict.mean()), mean_of_all(real.mean())
            return 0.5 * (_says(verdict - true, True) + _says(real - made, False))
        return _says(verdict, True)


def matching_loss(discriminator: nn.Module, fake: Tensor, batch: Batch) -> dict[str, Loss]:
    """The loss on what the discriminator perceives, of one that has it; D itself gets no gradient."""
    if not isinstance(discriminator, Matches):
        return {}
    with frozen(discriminator):
        return {"matching": Loss(discriminator.match(fake, batch), discriminator.match_weight)}


def discriminator_loss(discriminator: nn.Module, fake: Tensor, batch: Batch, recipe: Recipe) -> Tensor:
    """The discriminator's loss: original GAN (Goodfellow 2014, eq. 1), hinge, or relativistic average."""
    real, made = discriminator(target(batch), batch), discriminator(fake.detach(), batch)
    if recipe.gan == "hinge":
        return F.relu(1 - real).mean() + F.relu(1 + made).mean()
    if recipe.gan == "relativistic":
        mean_real, mean_made = mean_of_all(real.mean()), mean_of_all(made.mean())
        return 0.5 * (_says(real - mean_made, True) + _says(made - mean_real, False))
    return 0.5 * (_says(real, True) + _says(made, False))


def r1_penalty(discriminator: nn.Module, batch: Batch) -> Tensor:
    """Squared gradient of D at real pictures (Mescheder et al. 2018, eq. 9), without the factor gamma / 2.

    D's verdict on a picture is the mean over its patches: with their sum the penalty grows with the square of
    their number, and the best that D can then do is to say nothing.
    """
    real = target(batch).detach().requires_grad_(True)
    verdict = discriminator(real, batch).float().flatten(1).mean(1).sum()
    (gradient,) = torch.autograd.grad(verdict, real, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3)).mean()


def ssim(a: Tensor, b: Tensor) -> Tensor:
    """Mean SSIM (Wang et al. 2004, eq. 13; Gaussian window 11, sigma 1.5) of pictures in [-1, 1]."""
    steps = torch.arange(11, device=a.device, dtype=torch.float32) - 5
    bell = torch.exp(-(steps**2) / (2 * 1.5**2))
    window = torch.outer(bell, bell)
    kernel = (window / window.sum()).expand(a.shape[1], 1, 11, 11)

    def mean(x: Tensor) -> Tensor:
        return F.conv2d(x, kernel, groups=x.shape[1])

    mean_a, mean_b = mean(a), mean(b)
    var_a, var_b, both = mean(a * a) - mean_a**2, mean(b * b) - mean_b**2, mean(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * 2) ** 2, (0.03 * 2) ** 2
    top = (2 * mean_a * mean_b + c1) * (2 * both + c2)
    return (top / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))).mean()


def target(batch: Batch) -> Tensor:
    """The unmasked pictures of a training batch."""
    assert batch.unmasked is not None, "training needs unmasked pictures"
    return batch.unmasked


def _says(verdict: Tensor, real: bool) -> Tensor:
    return F.binary_cross_entropy_with_logits(verdict, torch.full_like(verdict, float(real)))


@contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """Within, losses go through ``module`` without moving it."""
    module.requires_grad_(False)
    try:
        yield
    finally:
        module.requires_grad_(True)
