"""One step of a training: generator, discriminator, moving average."""

import math
from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import nn

from unveilify.core.words import say
from unveilify.models.contract import Batch
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
from unveilify.training.trainer import Trainer, diverged

R1_EVERY, MAX_NORM = 16, 100.0
DIVERGED_AFTER = 5
"""After so many more steps that taught nothing than steps that did, a training has diverged."""


def train_step(trainer: Trainer, batch: Batch) -> dict[str, float]:
    """Train on one batch; returns the losses, unweighted. What is not finite is not learned from, and counted.

    Raises:
        UserError: the training has diverged.
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
        output = trainer.forward(batch)
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
    _count_skipped(trainer)
    return plain(losses) | {name: float(value) for name, value in output.logs.items()}


def plain(losses: Mapping[str, Loss]) -> dict[str, float]:
    """The losses as numbers, unweighted."""
    return {name: float(loss.value.detach()) for name, loss in losses.items()}


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
    """One step of the optimizer ``name``; none where a loss or the gradient is not finite in any process."""
    optimizer = trainer.state.optimizers[name]
    optimizer.zero_grad(set_to_none=True)
    loss = total(losses)
    if trainer.world.any([not bool(torch.isfinite(loss))], trainer.device)[0]:
        bad = [name for name, loss in losses.items() if not bool(torch.isfinite(loss.value))]
        trainer.fault = trainer.fault or (f"the loss '{bad[0]}'" if bad else "the sum of the losses")
        return
    loss.backward()  # type: ignore[no-untyped-call]
    trainer.world.average_gradients(module)
    norm = nn.utils.clip_grad_norm_(module.parameters(), MAX_NORM)
    if bool(torch.isfinite(norm)):
        optimizer.step()
    else:
        trainer.fault = trainer.fault or f"the gradient of '{name.removeprefix('adam_')}'"


def _count_skipped(trainer: Trainer) -> None:
    """Count a step that taught nothing; stop after too many."""
    position, fault = trainer.state.position, trainer.fault
    trainer.fault = ""
    position.skipped += bool(fault)
    position.astray = position.astray + 1 if fault else max(0, position.astray - 1)
    if position.astray >= DIVERGED_AFTER:
        raise diverged(trainer, f"{fault} is not a finite number, and was not in {DIVERGED_AFTER} steps before")


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
    floats = [
        (a, b)
        for a, b in zip(trainer.ema.parameters(), trainer.network.parameters(), strict=True)
        if a.is_floating_point()
    ]
    torch._foreach_lerp_([a for a, _ in floats], [b for _, b in floats], share)
    for a, b in zip(trainer.ema.buffers(), trainer.network.buffers(), strict=True):
        a.copy_(b)
