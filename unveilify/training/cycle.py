"""Masks that look real, learned within the training: the cycle that the paper asks for (section 5.1).

Beside the network G, which takes masks off, a network F (`models.layers.mask_on`) puts them on, as real photos wear
them. In every step, with real masked photos x and bare faces y from the shards:

1. x -> G(x) -> F(G(x), mask of x) must give x again, and so must y from a drawn pair. F does both in the mirror:
   what it has to redraw faces the other way than the photo it is shown, so that copying the photo does not do.
2. y -> F(y, mask of x) -> G must give y again: G trains, with all its losses, on masks whose look is a real photo's.
3. A critic tells true from made pictures, masked or bare: F is to make masked photos, and G to leave no mask.

Where a mask lies F learns from drawn pairs alone, whose alpha is known. When it learned that from real photos, too, it
covered whatever G had painted over, and G painted over whatever F covered: after 250 steps masks began to spread, and
after 500 they covered half of the picture.

No gradient passes from G to F or back. CycleGAN's does, and it rewards cheats: G may leave the mask on (then x is
easily redrawn), and each may hide in its picture what the other needs. Pictures pass between them as a camera's
files would, with noise and in whole bytes, so that G cannot know F's masks by a pattern that no eye sees.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from unveilify.core.engine.device import memory_format
from unveilify.core.errors import UserError
from unveilify.core.landmarks import Points
from unveilify.core.written import OutputFolder
from unveilify.models.contract import Batch, plugin
from unveilify.models.layers.mask_on import MaskOn, Worn, weathered
from unveilify.models.layers.patchgan import PatchGAN
from unveilify.models.together import rows, spread
from unveilify.training import unpaired
from unveilify.training.config import CycleConfig
from unveilify.training.diffaug import colour, shift
from unveilify.training.losses import Loss, frozen, generator_losses, target
from unveilify.training.step import identity_weight, optimizer_step, plain, seeded, set_learning_rates, train_step
from unveilify.training.trainer import Trainer
from unveilify.training.unpaired import Unpaired

RATES = {"mask_on": 1e-3, "critic": 2e-4}
FOOL, MISMATCH = 0.1, 0.5
"""Weight of F's adversarial loss beside an L1 of 1; of masked photos that are shown to the critic as bare ones."""
LOWER = 3 / 8
"""The critic sees what lies below this share of the side: from the eyes down, where masks are."""


def with_cycle(trainer: Trainer, out: OutputFolder) -> Callable[[Batch], dict[str, Tensor]]:
    """Add what the cycle needs to the trainer, before its checkpoint is read; gives the step to take in its place.

    Raises:
        UserError: no faces are in the photos, or the network must be told where a mask is.
    """
    config = trainer.config.cycle
    assert config is not None
    assert trainer.config.size_px is not None
    if plugin(trainer.config.model).USES_HOLE:
        raise UserError(
            f"'{trainer.config.model}' must be told where the mask is, which nobody knows of real photos: "
            "leave train.cycle out."
        )
    if trainer.world.first:
        unpaired.prepare(config, trainer.config.size_px, out)
    trainer.world.from_first(0.0)
    photos = unpaired.opened(out)
    trainer.judges.notes["cycle"] = f"live ({len(photos.masked)} masked faces, {len(photos.bare)} bare ones)"
    add_parts(trainer)

    def step(batch: Batch) -> dict[str, Tensor]:
        learn(trainer, photos, batch)
        return train_step(trainer, batch)

    return step


def add_parts(trainer: Trainer) -> None:
    """The mask-on network and the critic, with their optimizers; they are part of every checkpoint."""
    size_px = trainer.config.size_px
    assert size_px is not None
    torch.manual_seed(trainer.config.seed + 1)
    parts = {"mask_on": MaskOn(size_px), "critic": PatchGAN(size_px, 0.5, lambda batch: batch.hole, 1)}
    for name, part in parts.items():
        trainer.state.modules[name] = part.to(trainer.device).to(
            memory_format=memory_format(trainer.device, bf16=bool(trainer.config.bf16))
        )
        trainer.state.optimizers[f"adam_{name}"] = torch.optim.Adam(
            part.parameters(), RATES[name], (0.5, 0.99), fused=trainer.device.type == "cuda"
        )


def learn(trainer: Trainer, photos: Unpaired, batch: Batch) -> dict[str, Tensor]:
    """One step of the mask-on network, the critic and, once they have begun to draw, the network itself."""
    config, position = trainer.config.cycle, trainer.state.position
    assert config is not None
    assert trainer.config.samples is not None
    progress = min(1.0, position.seen / trainer.config.samples)
    set_learning_rates(trainer, progress)
    seeded(trainer, 1)
    count = max(1, round(config.share * len(batch)))
    # Evenly spread, so that several processes with a share of the batch each take the same ones as one.
    batch = batch.pick(spread(len(batch), count))
    x, bare = (_dealt(trainer, crops, count) for crops in (photos.masked, photos.bare))
    bare = target(batch) if bare is None else bare
    assert x is not None
    nobody = Batch(
        masked=x,
        identity=torch.zeros_like(batch.identity),
        real=torch.zeros_like(batch.real),
        hole=torch.zeros_like(batch.hole),
        landmarks=_dealt_landmarks(trainer, photos.landmarks, count),
    )

    with torch.autocast(trainer.device.type, torch.bfloat16, enabled=bool(trainer.config.bf16)):
        with torch.set_grad_enabled(progress >= config.begins):
            cleaned = trainer.network(nobody).image.float()
        dressed: Worn = trainer.state.modules["mask_on"](target(batch), x)
        losses = _losses_of_mask_on(trainer, dressed, batch, x, weathered(cleaned))
    optimizer_step(trainer, "adam_mask_on", trainer.state.modules["mask_on"], losses)

    if progress >= config.begins:
        with torch.autocast(trainer.device.type, torch.bfloat16, enabled=bool(trainer.config.bf16)):
            own = _losses_of_network(trainer, config, dressed, batch, progress)
            own["cycle_bare"] = Loss(_fools(trainer, cleaned, worn=False), config.adversarial)
        optimizer_step(trainer, "adam_g", trainer.network, own)
        losses |= own

    with torch.autocast(trainer.device.type, torch.bfloat16, enabled=bool(trainer.config.bf16)):
        verdict = _loss_of_critic(trainer, x, bare, dressed.on(target(batch)).detach(), cleaned.detach())
    critic = {"cycle_critic": Loss(verdict)}
    optimizer_step(trainer, "adam_critic", trainer.state.modules["critic"], critic)
    learned = plain(losses | critic) | {"cycle_share": dressed.alpha.detach().mean()}
    trainer.measured.note(learned)
    return learned


def _losses_of_mask_on(trainer: Trainer, dressed: Worn, batch: Batch, x: Tensor, cleaned: Tensor) -> dict[str, Loss]:
    """Redraw real and drawn masks in the mirror; know a drawn mask's alpha; pass for a masked photo."""
    mask_on, bare = trainer.state.modules["mask_on"], target(batch)
    drawn: Worn = mask_on(bare.flip(3), batch.masked)
    real: Worn = mask_on(cleaned.flip(3), x)
    again, wanted = real.on(cleaned.flip(3), moves_alpha=False), x.flip(3)
    with torch.autocast(trainer.device.type, enabled=False):
        alpha = F.binary_cross_entropy(drawn.alpha.clamp(1e-4, 1 - 1e-4), batch.hole.flip(3))
    losses = {
        "redraw_alpha": Loss(alpha),
        "redraw_drawn": Loss(F.l1_loss(drawn.on(bare.flip(3)), batch.masked.flip(3))),
        "redraw_real": Loss(F.l1_loss(again, wanted)),
        "redraw_fool": Loss(_fools(trainer, dressed.on(bare, moves_alpha=False), worn=True), FOOL),
    }
    if trainer.judges.lpips is not None:
        losses["redraw_lpips"] = Loss(trainer.judges.lpips(again, wanted).mean())
    return losses


def _losses_of_network(
    trainer: Trainer, config: CycleConfig, dressed: Worn, batch: Batch, progress: float
) -> dict[str, Loss]:
    """The network's ordinary losses, on a mask that was put on by the other network."""
    made = replace(batch, masked=weathered(dressed.on(target(batch))), hole=dressed.alpha.detach())
    recipe = replace(trainer.recipe, identity=identity_weight(trainer, progress))
    losses = generator_losses(trainer.network(made), made, trainer.judges, recipe)
    return {f"cycle_{name}": Loss(loss.value, config.weight * loss.weight) for name, loss in losses.items()}


def _loss_of_critic(trainer: Trainer, x: Tensor, bare: Tensor, dressed: Tensor, cleaned: Tensor) -> Tensor:
    """Hinge. A masked photo that is said to be bare counts as made (Reed et al. 2016)."""
    true = F.relu(1 - _verdict(trainer, x, worn=True)).mean() + F.relu(1 - _verdict(trainer, bare, worn=False)).mean()
    made = (
        F.relu(1 + _verdict(trainer, dressed, worn=True)).mean()
        + F.relu(1 + _verdict(trainer, cleaned, worn=False)).mean()
    )
    return (true + made + MISMATCH * F.relu(1 + _verdict(trainer, x, worn=False)).mean()).float()


def _fools(trainer: Trainer, images: Tensor, *, worn: bool) -> Tensor:
    with frozen(trainer.state.modules["critic"]):
        return -_verdict(trainer, images, worn=worn).mean()


def _verdict(trainer: Trainer, images: Tensor, *, worn: bool) -> Tensor:
    """The critic's logits; it sees every picture through changes of colour and place, for want of many photos."""
    critic: nn.Module = trainer.state.modules["critic"]
    numbers = rows(lambda n: torch.rand(n, 5, device=images.device), len(images))
    seen = shift(colour(images, numbers[:, :3]), numbers[:, 3:])[:, :, round(LOWER * images.shape[-1]) :]
    kind = torch.full_like(seen[:, :1], float(worn))
    said: Tensor = critic(seen, Batch(seen, seen[:, None], torch.ones(len(seen), dtype=torch.int64), kind))
    return said


def _dealt(trainer: Trainer, crops: NDArray[np.uint8], count: int) -> Tensor | None:
    """This process's share of the photos of this step."""
    if not len(crops):
        return None
    dealt = unpaired.deal(crops, trainer.config.seed, _position(trainer, count), count)
    return dealt.to(trainer.device, non_blocking=True).contiguous(memory_format=_order(trainer))


def _dealt_landmarks(trainer: Trainer, points: Points | None, count: int) -> Tensor | None:
    """The landmarks of the masked photos that `_dealt` gives."""
    if points is None:
        return None
    return unpaired.deal_landmarks(points, trainer.config.seed, _position(trainer, count), count).to(trainer.device)


def _order(trainer: Trainer) -> torch.memory_format:
    return memory_format(trainer.device, bf16=bool(trainer.config.bf16))


def _position(trainer: Trainer, count: int) -> int:
    world, step = trainer.world, trainer.state.position.step
    return (step * world.size + world.rank) * count
