"""A training, built: networks, average, optimizers, judges."""

import copy
from dataclasses import dataclass, field
from functools import cached_property, partial

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from unveilify.core.config import build
from unveilify.core.engine.device import memory_format
from unveilify.core.errors import UserError
from unveilify.models.contract import Learns, Plugin, Recipe, plugin
from unveilify.models.recipe import changed
from unveilify.models.system import NetworkSystem
from unveilify.training.compiled import Forward
from unveilify.training.config import TrainConfig
from unveilify.training.distributed import World
from unveilify.training.inputs import load_initial
from unveilify.training.losses import Judges, find_judges
from unveilify.training.measured import Measured
from unveilify.training.state import TrainState


@dataclass
class Trainer:
    """All that a step needs: the state that changes, and what judges it."""

    state: TrainState
    judges: Judges
    recipe: Recipe
    config: TrainConfig
    device: torch.device
    world: World = field(default_factory=World)
    forward: Forward | None = None
    """The generator as it is run: compiled, or itself; decided at this process's first step."""
    measured: Measured = field(default_factory=Measured)
    """What this step and those before it measured, and nobody has read yet."""

    @property
    def network(self) -> nn.Module:
        """The generator being trained."""
        return self.state.modules["network"]

    @property
    def ema(self) -> nn.Module:
        """The moving average of the generator, which is what is validated and shipped."""
        return self.state.modules["average"]

    @cached_property
    def averaged(self) -> tuple[list[Tensor], list[Tensor]]:
        """The parameters of the average that move, and those of the generator that they follow."""
        pairs = zip(self.ema.parameters(), self.network.parameters(), strict=True)
        moving = [(a, b) for a, b in pairs if b.requires_grad and b.is_floating_point()]
        return [a for a, _ in moving], [b for _, b in moving]

    @property
    def system(self) -> NetworkSystem:
        """The moving average, to predict with."""
        assert self.config.size_px is not None
        return NetworkSystem(self.ema, self.config.size_px, plugin(self.config.model).USES_HOLE)

    def may_be_best(self, seen: int) -> bool:
        """Whether every loss has acted for a while after so many triplets, see `Recipe.best_from`."""
        assert self.config.samples is not None
        return seen >= self.recipe.best_from * self.config.samples


def trainable(config: TrainConfig) -> Plugin:
    """The network's plugin, if there is something to train with these settings.

    Raises:
        UserError: it needs no training, or one of its own settings is wrong.
    """
    module = plugin(config.model)
    if not module.TRAINS and not issubclass(module.Network, Learns):
        raise UserError(f"'{config.model}' needs no training: `unveilify report` measures it as it is.")
    side = {} if config.size_px is None else {"size_px": config.size_px}
    build(module.Config, side | config.network)
    return module


def build_trainer(config: TrainConfig, device: torch.device, world: World = World()) -> Trainer:  # noqa: B008 (frozen)
    """Build network, average, discriminator and optimizers; the initial weights come from the seed alone."""
    module = plugin(config.model)
    settings = build(module.Config, {"size_px": config.size_px, **config.network})
    recipe = changed(module.RECIPE, config.recipe)
    torch.manual_seed(config.seed)
    network = module.Network(settings)
    if config.start_from is not None:
        load_initial(network, config)
    network = network.to(device)
    modules = {"network": network, "average": copy.deepcopy(network).requires_grad_(False)}
    optimizers = {"adam_g": _adam(network, recipe.lr_g, recipe)}
    discriminator = module.discriminator(settings) if recipe.adversarial else None
    if discriminator is not None:
        modules["discriminator"] = discriminator.to(device)
        optimizers["adam_d"] = _adam(modules["discriminator"], recipe.lr_d, recipe)
    for part in modules.values():
        part.to(memory_format=memory_format(device, bf16=bool(config.bf16)))
    judges = find_judges(recipe, device)
    if hasattr(module, "extra_losses"):
        judges = judges.with_extra(module.extra_losses(settings, device))
    return Trainer(TrainState(modules, optimizers), judges, recipe, config, device, world)


def _adam(module: nn.Module, rate: float, recipe: Recipe) -> Optimizer:
    make = partial(torch.optim.AdamW, module.parameters(), rate, recipe.betas, weight_decay=recipe.weight_decay)
    try:
        return make(fused=True)
    except RuntimeError:  # not on this device, says torch
        return make()


def describe(trainer: Trainer) -> dict[str, int]:
    """Parameters of each part of the trainer."""
    return {
        name: sum(p.numel() for p in module.parameters())
        for name, module in trainer.state.modules.items()
        if name != "average"
    }


def diverged(trainer: Trainer, what: str, step: int | None = None) -> UserError:
    """The sentence about a training that cannot go on, after ``step`` or the last one."""
    halved = trainer.recipe.lr_g / 2
    other = " or train.bf16=false" if trainer.config.bf16 else ""
    return UserError(
        f"The training diverged at step {step or trainer.state.position.step}: {what}. "
        f"Train in another folder (--out) with a lower rate (--set train.recipe.lr_g={halved:g}){other}."
    )
