"""One step of the game: generator, discriminator, weight average."""

import copy
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

import torch
from pydantic import create_model
from torch import nn
from torch.optim import Optimizer

from unveilify.core.config import Config, build
from unveilify.core.errors import UserError
from unveilify.core.words import say
from unveilify.models.contract import Batch, Recipe, plugin
from unveilify.models.layers.extra import pace
from unveilify.models.system import NetworkSystem
from unveilify.training.compiled import Forward, compile_checked
from unveilify.training.config import TrainConfig
from unveilify.training.diffaug import Augmented, draw
from unveilify.training.distributed import World
from unveilify.training.inputs import put
from unveilify.training.losses import (
    Judges,
    Loss,
    adversarial_loss,
    discriminator_loss,
    find_judges,
    generator_losses,
    matching_loss,
    r1_penalty,
    total,
)
from unveilify.training.state import State

R1_EVERY, MAX_NORM = 16, 100.0
ASTRAY = 5
"""After so many more steps that taught nothing than steps that did, a training has diverged."""


@dataclass
class Game:
    """All that a step needs: the state that changes, and what judges it."""

    state: State
    judges: Judges
    recipe: Recipe
    config: TrainConfig
    device: torch.device
    world: World = field(default_factory=World)
    forward: Forward | None = None
    """The generator as it is run: compiled, or itself; decided at this process's first step."""
    fault: str = ""
    """What in this step was not finite, if anything was."""

    @property
    def network(self) -> nn.Module:
        """The generator being trained."""
        return self.state.modules["network"]

    @property
    def average(self) -> nn.Module:
        """The moving average of the generator, which is what is validated and shipped."""
        return self.state.modules["average"]

    @property
    def system(self) -> NetworkSystem:
        """The moving average, to predict with."""
        assert self.config.size_px is not None
        return NetworkSystem(self.average, self.config.size_px, plugin(self.config.model).USES_HOLE)

    def settled(self, seen: int) -> bool:
        """Whether every loss has acted for a while after so many triplets, see `Recipe.settled_from`."""
        assert self.config.samples is not None
        return seen >= self.recipe.settled_from * self.config.samples


def set_up(config: TrainConfig, device: torch.device, world: World = World()) -> Game:  # noqa: B008 (frozen)
    """Build network, average, discriminator and optimizers; the initial weights come from the seed alone."""
    module = plugin(config.model)
    settings = build(module.Config, {"size_px": config.size_px, **config.network})
    recipe = make_recipe(module.RECIPE, config.recipe)
    torch.manual_seed(config.seed)
    network = module.Network(settings)
    if config.start_from is not None:
        put(network, config)
    network = network.to(device)
    modules = {"network": network, "average": copy.deepcopy(network).requires_grad_(False)}
    optimizers = {"adam_g": _adam(network, recipe.lr_g, recipe)}
    discriminator = module.discriminator(settings) if recipe.adversarial else None
    if discriminator is not None:
        modules["discriminator"] = discriminator.to(device)
        optimizers["adam_d"] = _adam(modules["discriminator"], recipe.lr_d, recipe)
    for part in modules.values():
        part.to(memory_format=torch.channels_last)
    judges = find_judges(recipe, device)
    if hasattr(module, "extra_losses"):
        judges = judges.with_extra(module.extra_losses(settings, device))
    return Game(State(modules, optimizers), judges, recipe, config, device, world)


def _adam(module: nn.Module, rate: float, recipe: Recipe) -> Optimizer:
    make = partial(torch.optim.AdamW, module.parameters(), rate, recipe.betas, weight_decay=recipe.weight_decay)
    try:
        return make(fused=True)
    except RuntimeError:  # not on this device, says torch
        return make()


def make_recipe(default: Recipe, changes: dict[str, Any]) -> Recipe:
    """The network's own recipe with overrides.

    Raises:
        UserError: an unknown or ill-typed setting; the nearest known one is named.
    """
    fields: dict[str, Any] = {name: (type_, getattr(default, name)) for name, type_ in Recipe.__annotations__.items()}
    checked = build(create_model("Recipe", __base__=Config, **fields), {**asdict(default), **changes})
    return Recipe(**checked.model_dump())


def take(game: Game, batch: Batch) -> dict[str, float]:
    """Train on one batch; returns the losses, unweighted. What is not finite is not learned from, and counted.

    Raises:
        UserError: the training has diverged.
    """
    config, recipe, position = game.config, game.recipe, game.state.position
    assert config.samples is not None
    progress = min(1.0, position.seen / config.samples)
    set_rates(game, progress)
    if game.forward is None:
        game.forward = _forward(game, batch)
    seeded(game)
    discriminator = game.state.modules.get("discriminator") if progress >= recipe.adversarial_from else None
    pace(discriminator, progress)

    with torch.autocast(game.device.type, torch.bfloat16, enabled=bool(config.bf16)):
        output = game.forward(batch)
        losses = generator_losses(output, batch, game.judges, replace(recipe, identity=identity_weight(game, progress)))
        if discriminator is not None:
            seen_by = _behind_augmentation(game, discriminator, len(batch))
            losses["adversarial"] = Loss(adversarial_loss(seen_by, output.image, batch, recipe), recipe.adversarial)
            losses |= matching_loss(discriminator, output.image, batch)
    descend(game, "adam_g", game.network, losses)
    if discriminator is not None:
        with torch.autocast(game.device.type, torch.bfloat16, enabled=bool(config.bf16)):
            against = {"discriminator": Loss(discriminator_loss(seen_by, output.image, batch, recipe))}
        if recipe.r1 and position.step % R1_EVERY == 0:
            against["r1"] = Loss(r1_penalty(seen_by, batch), 0.5 * recipe.r1 * R1_EVERY)
        descend(game, "adam_d", discriminator, against)
        losses |= against
    together = len(batch) * game.world.size
    position.step += 1
    position.seen += together
    _follow(game, together)
    _look_after(game)
    return plain(losses) | {name: float(value) for name, value in output.logs.items()}


def plain(losses: Mapping[str, Loss]) -> dict[str, float]:
    """The losses as numbers, unweighted."""
    return {name: float(loss.value.detach()) for name, loss in losses.items()}


def seeded(game: Game, use: int = 0) -> None:
    """Noise inside a step depends on (seed, step) and its ``use`` alone, so that a resumed run draws the same."""
    torch.manual_seed((game.config.seed * 1_000_003 + game.state.position.step + use * 500_000_003) % 2**31)


def _forward(game: Game, batch: Batch) -> Forward:
    if not game.config.compile:
        return game.network
    forward, said = compile_checked(game.network, batch, bf16=bool(game.config.bf16))
    # All processes must compute the same.
    everywhere = game.world.mean({"compiled": float(forward is not game.network)})["compiled"] == 1
    if game.world.first:
        say(said if everywhere or game.world.size == 1 else "Not compiled: not every process could.", flush=True)
    return forward if everywhere else game.network


def _behind_augmentation(game: Game, discriminator: nn.Module, count: int) -> nn.Module:
    """The discriminator as this step sees it; the same transforms for true and made pictures."""
    config, world = game.config, game.world
    if not config.discriminator_kinds:
        return discriminator
    numbers = draw(config.seed, game.state.position.step, count * world.size)[world.rank * count :][:count]
    return Augmented(discriminator, config.discriminator_kinds, numbers.to(game.device, non_blocking=True))


def identity_weight(game: Game, progress: float) -> float:
    """The recogniser costs a CPU as much as all the rest: it may judge every n-th step only, with n times the weight."""
    every = game.config.identity_every or 1
    due = progress >= game.recipe.identity_from and game.state.position.step % every == 0
    return game.recipe.identity * every if due else 0.0


def descend(game: Game, name: str, module: nn.Module, losses: Mapping[str, Loss]) -> None:
    """One step of the optimizer ``name``; none where a loss or the gradient is not finite in any process."""
    optimizer = game.state.optimizers[name]
    optimizer.zero_grad(set_to_none=True)
    loss = total(losses)
    if game.world.any([not bool(torch.isfinite(loss))], game.device)[0]:
        bad = [name for name, loss in losses.items() if not bool(torch.isfinite(loss.value))]
        game.fault = game.fault or (f"the loss '{bad[0]}'" if bad else "the sum of the losses")
        return
    loss.backward()  # type: ignore[no-untyped-call]
    game.world.average(module)
    norm = nn.utils.clip_grad_norm_(module.parameters(), MAX_NORM)
    if bool(torch.isfinite(norm)):
        optimizer.step()
    else:
        game.fault = game.fault or f"the gradient of '{name.removeprefix('adam_')}'"


def _look_after(game: Game) -> None:
    """Count a step that taught nothing; stop after too many."""
    position, fault = game.state.position, game.fault
    game.fault = ""
    position.skipped += bool(fault)
    position.astray = position.astray + 1 if fault else max(0, position.astray - 1)
    if position.astray >= ASTRAY:
        raise diverged(game, f"{fault} is not a finite number, and was not in {ASTRAY} steps before")


def diverged(game: Game, what: str) -> UserError:
    """The sentence about a training that cannot go on."""
    halved = game.recipe.lr_g / 2
    other = " or train.bf16=false" if game.config.bf16 else ""
    return UserError(
        f"The training diverged at step {game.state.position.step}: {what}. "
        f"Train in another folder (--out) with a lower rate (--set train.recipe.lr_g={halved:g}){other}."
    )


def rates(game: Game) -> dict[str, float]:
    """The learning rates of the last step, as a log names them."""
    optimizers = game.state.optimizers.items()
    return {f"lr{name.removeprefix('adam')}": float(optimizer.param_groups[0]["lr"]) for name, optimizer in optimizers}


def set_rates(game: Game, progress: float) -> None:
    """Learning rates of generator and discriminator at a share 0…1 of the training."""
    warm = min(1.0, (progress + 1e-3) / game.config.warmup_share) if game.config.warmup_share else 1.0
    fall = 0.5 * (1 + math.cos(math.pi * progress)) if game.recipe.cosine else 1.0
    for name, rate in (("adam_g", game.recipe.lr_g), ("adam_d", game.recipe.lr_d)):
        if name in game.state.optimizers:
            for group in game.state.optimizers[name].param_groups:
                group["lr"] = rate * warm * fall


@torch.no_grad()
def _follow(game: Game, batch: int) -> None:
    """Move the average: half-life in samples, shorter at the start (Karras et al. 2020, training code)."""
    half_life = max(1e-8, min(game.config.ema_half_life, 0.05 * game.state.position.seen))
    share = 1 - 0.5 ** (batch / half_life)
    floats = [
        (a, b)
        for a, b in zip(game.average.parameters(), game.network.parameters(), strict=True)
        if a.is_floating_point()
    ]
    torch._foreach_lerp_([a for a, _ in floats], [b for _, b in floats], share)
    for a, b in zip(game.average.buffers(), game.network.buffers(), strict=True):
        a.copy_(b)


def describe(game: Game) -> dict[str, int]:
    """Parameters of each part of the game."""
    return {
        name: sum(p.numel() for p in module.parameters())
        for name, module in game.state.modules.items()
        if name != "average"
    }
