"""One step of a training: generator, discriminator, moving average."""

import math
from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from unveilify.core.words import say
from unveilify.models.contract import Batch, Output
from unveilify.models.layers.extra import set_progress
from unveilify.training.compiled import Forward, compile_checked
from unveilify.training.diffaug import Augmented, draw
from unveilify.training.losses import (
    Loss,
    adversarial_loss,
    discriminator_loss,
    generator_losses,
    matching_loss,
    r1_penalty,
    total,
)
from unveilify.training.measured import Check
from unveilify.training.trainer import Trainer, diverged

R1_EVERY, MAX_NORM = 16, 100.0
DIVERGED_AFTER = 5
"""After so many more steps that taught nothing than steps that did, a training has diverged."""


def train_step(trainer: Trainer, batch: Batch) -> dict[str, Tensor]:
    """Train on one batch; returns the losses, unweighted. What is not finite is not learned from.

    The host does not wait for the device here: `settle` reads what was measured.
    """
    config, recipe, position = trainer.config, trainer.recipe, trainer.state.position
    assert config.samples is not None
    progress = min(1.0, position.seen / config.samples)
    set_learning_rates(trainer, progress)
    if trainer.forward is None:
        trainer.forward = _forward(trainer, batch)
    seeded(trainer)
    discriminator = trainer.state.modules.get("discriminator") if progress >= recipe.adversarial_from else None
    set_progress(discriminator, progress)

    with torch.autocast(trainer.device.type, torch.bfloat16, enabled=bool(config.bf16)):
        output = judged(trainer.forward(batch), batch)
        losses = generator_losses(
            output, batch, trainer.judges, replace(recipe, identity=identity_weight(trainer, progress))
        )
        if discriminator is not None:
            seen_by = _behind_augmentation(trainer, discriminator, len(batch))
            losses["adversarial"] = Loss(adversarial_loss(seen_by, output.image, batch, recipe), recipe.adversarial)
            losses |= matching_loss(discriminator, output.image, batch)
    optimizer_step(trainer, "adam_g", trainer.network, losses)
    if discriminator is not None:
        with torch.autocast(trainer.device.type, torch.bfloat16, enabled=bool(config.bf16)):
            against = {"discriminator": Loss(discriminator_loss(seen_by, output.image, batch, recipe))}
        if recipe.r1 and position.step % R1_EVERY == 0:
            against["r1"] = Loss(r1_penalty(seen_by, batch), 0.5 * recipe.r1 * R1_EVERY)
        optimizer_step(trainer, "adam_d", discriminator, against)
        losses |= against
    together = len(batch) * trainer.world.size
    position.step += 1
    position.seen += together
    update_ema(trainer, together)
    trainer.measured.note(plain(losses) | output.logs)
    return trainer.measured.close(position.step)


def judged(output: Output, batch: Batch) -> Output:
    """The output with the truth outside its photos, where there is only a repeated border: nothing is to be learned from that."""
    if batch.inside is None or batch.unmasked is None:
        return output
    return replace(output, image=torch.lerp(batch.unmasked, output.image.float(), batch.inside))


def settle(trainer: Trainer) -> None:
    """Read what the steps since the last time have measured, and count those that taught nothing.

    Raises:
        UserError: the training has diverged.
    """
    position = trainer.state.position
    for step in trainer.measured.read():
        trainer.state.running.add(step.values)
        position.skipped += bool(step.fault)
        position.astray = position.astray + 1 if step.fault else max(0, position.astray - 1)
        if position.astray >= DIVERGED_AFTER:
            why = f"{step.fault} is not a finite number, and was not in {DIVERGED_AFTER} steps before"
            raise diverged(trainer, why, step.number)


def plain(losses: Mapping[str, Loss]) -> dict[str, Tensor]:
    """The losses, unweighted."""
    return {name: loss.value.detach() for name, loss in losses.items()}


def seeded(trainer: Trainer, use: int = 0) -> None:
    """Noise inside a step depends on (seed, step) and its ``use`` alone, so that a resumed run draws the same."""
    torch.manual_seed((trainer.config.seed * 1_000_003 + trainer.state.position.step + use * 500_000_003) % 2**31)


def _forward(trainer: Trainer, batch: Batch) -> Forward:
    if not trainer.config.compile:
        return trainer.network
    forward, said = compile_checked(trainer.network, batch, bf16=bool(trainer.config.bf16))
    # All processes must compute the same.
    everywhere = trainer.world.mean({"compiled": float(forward is not trainer.network)})["compiled"] == 1
    if trainer.world.first:
        say(said if everywhere or trainer.world.size == 1 else "Not compiled: not every process could.", flush=True)
    return forward if everywhere else trainer.network


def _behind_augmentation(trainer: Trainer, discriminator: nn.Module, count: int) -> nn.Module:
    """The discriminator as this step sees it; the same transforms for true and made pictures."""
    config, world = trainer.config, trainer.world
    if not config.discriminator_kinds:
        return discriminator
    numbers = draw(config.seed, trainer.state.position.step, count * world.size)[world.rank * count :][:count]
    return Augmented(discriminator, config.discriminator_kinds, numbers.to(trainer.device, non_blocking=True))


def identity_weight(trainer: Trainer, progress: float) -> float:
    """The recogniser costs a CPU as much as all the rest: it may judge every n-th step only, with n times the weight."""
    every = trainer.config.identity_every or 1
    due = progress >= trainer.recipe.identity_from and trainer.state.position.step % every == 0
    return trainer.recipe.identity * every if due else 0.0


def optimizer_step(trainer: Trainer, name: str, module: nn.Module, losses: Mapping[str, Loss]) -> None:
    """One step of the optimizer ``name``; nothing moves where a loss or the gradient is not finite in any process."""
    optimizer = trainer.state.optimizers[name]
    optimizer.zero_grad(set_to_none=True)
    loss = total(losses)
    with trainer.world.averaging(module):
        loss.backward()  # type: ignore[no-untyped-call]
    norm = nn.utils.clip_grad_norm_([p for group in optimizer.param_groups for p in group["params"]], MAX_NORM)
    bad = trainer.world.largest(1 - (loss.detach().isfinite() & norm.isfinite()).float())
    if optimizer.defaults.get("fused"):
        # As for `GradScaler`: its kernel looks, so that the host need not.
        optimizer.found_inf = bad  # type: ignore[attr-defined]
        optimizer.step()
    elif not bool(bad):
        optimizer.step()
    trainer.measured.checks.append(Check(name, tuple(losses), loss.detach(), bad))


def learning_rates(trainer: Trainer) -> dict[str, float]:
    """The learning rates of the last step, as a log names them."""
    optimizers = trainer.state.optimizers.items()
    return {f"lr{name.removeprefix('adam')}": float(optimizer.param_groups[0]["lr"]) for name, optimizer in optimizers}


def set_learning_rates(trainer: Trainer, progress: float) -> None:
    """Learning rates of generator and discriminator at a share 0…1 of the training."""
    warm = min(1.0, (progress + 1e-3) / trainer.config.warmup_share) if trainer.config.warmup_share else 1.0
    fall = 0.5 * (1 + math.cos(math.pi * progress)) if trainer.recipe.cosine else 1.0
    for name, rate in (("adam_g", trainer.recipe.lr_g), ("adam_d", trainer.recipe.lr_d)):
        if name in trainer.state.optimizers:
            for group in trainer.state.optimizers[name].param_groups:
                group["lr"] = rate * warm * fall


@torch.no_grad()
def update_ema(trainer: Trainer, batch: int) -> None:
    """Move the average: half-life in samples, shorter at the start (Karras et al. 2020, training code)."""
    half_life = max(1e-8, min(trainer.config.ema_half_life, 0.05 * trainer.state.position.seen))
    share = 1 - 0.5 ** (batch / half_life)
    torch._foreach_lerp_(*trainer.averaged, share)
    for a, b in zip(trainer.ema.buffers(), trainer.network.buffers(), strict=True):
        a.copy_(b)
