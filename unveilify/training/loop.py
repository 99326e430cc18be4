"""Stage 3, top to bottom: open the shards, go on from the last checkpoint, step, validate, keep the best."""

import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from unveilify.core import stage, stamps
from unveilify.core.engine.device import hurry, pick, set_threads
from unveilify.core.progress import track
from unveilify.core.stamps import Stamp
from unveilify.core.words import say
from unveilify.core.written import OutputFolder
from unveilify.models.contract import Batch, Learns
from unveilify.shards.stream import ShardSet
from unveilify.training import closed_form
from unveilify.training.checkpointer import Checkpointer
from unveilify.training.config import STAGE, Hardware, TrainConfig, check, longer, resolve
from unveilify.training.cycle import with_cycle
from unveilify.training.data import Feed
from unveilify.training.distributed import join
from unveilify.training.inputs import with_digests
from unveilify.training.interrupts import Interrupts
from unveilify.training.step import learning_rates, settle, train_step
from unveilify.training.trainer import Trainer, build_trainer, describe, trainable

LOG_EVERY_STEPS, TIMED_STEPS = 50, 20
DAY_S = 86_400

Step = Callable[[Batch], dict[str, Tensor]]


@dataclass(frozen=True, slots=True)
class Machine:
    """Where and how long to run; no part of what is trained. ``threads`` and ``workers`` None: chosen here.

    ``tensorboard``: the log's rows go to TensorBoard's files, too.
    """

    device: str = "auto"
    threads: int | None = None
    workers: int | None = None
    max_minutes: float | None = None
    tensorboard: bool = False

    def resolve(self) -> torch.device:
        """The device, with the arithmetic's threads set: those asked for, else OMP_NUM_THREADS, else one per core.

        Raises:
            UserError: no such device here.
        """
        device = pick(self.device)
        set_threads(self.threads)
        if device.type == "cuda":
            hurry()
        return device


def run(config: TrainConfig, shards_dir: Path, run_dir: Path, machine: Machine, *, force: bool = False) -> Stamp | None:
    """Train to the end, or until ``machine.max_minutes``; None when it stopped before the end.

    The same seed, shards and config give the same weights at the same step on one kind of CPU, however
    often the run was interrupted. A run of fewer ``samples`` is gone on from; what falls with the length (learning rates, the
    beginning of a cycle) is then that of the new length, so that the weights are not those of a run that was as long at once.

    Raises:
        UserError: no shards, a network that trains not at all, or a run directory of another config.
    """
    check(config, shards_dir, run_dir)
    data = stamps.read(shards_dir, "shard", "unveilify shard")
    shards = ShardSet.open(shards_dir)
    world, device = join(machine.resolve())
    module = trainable(config)
    if issubclass(module.Network, Learns):
        return closed_form.run(config, shards, data.hash, run_dir, force=force)
    config, note = resolve(config, shards.index.size_px, getattr(module, "SMALL", {}), hardware(device))
    config = with_digests(config)
    # How it is computed, not what: the training may go on on a machine that has no such arithmetic, or has it.
    bound = config.model_copy(update={"bf16": None})
    with ExitStack() as held:
        opened = stage.opened(run_dir, STAGE, bound, data.hash, force=force, grows=longer)
        mine = held.enter_context(opened) if world.first else None
        done = mine.done if mine is not None else None
        if world.from_first(float(done is not None)):
            return done
        out = mine or OutputFolder(run_dir)
        trainer = build_trainer(config, device, world)
        trainer.state.of = {"input": data.hash, "config": bound.model_dump(mode="json", exclude_defaults=True)}
        step = with_cycle(trainer, out) if config.cycle else partial(train_step, trainer)
        if world.first:
            _say_what_is_trained(trainer, note)
        checkpointer = Checkpointer(out, trainer, tensorboard=machine.tensorboard)
        checkpointer.open()
        if not _train(trainer, Feed.open(shards, config, machine.workers, device, world), checkpointer, machine, step):
            if world.first:
                say(f"Stopped at {trainer.state.position.seen} of {config.samples} triplets; the same command goes on.")
            return None
        if mine is None:
            return None
        checkpointer.finish()
        position = trainer.state.position
        return mine.commit({"steps": position.step, "triplets": position.seen, "skipped_steps": position.skipped})


def hardware(device: torch.device) -> Hardware:
    """What of this machine decides the defaults; on a CPU without the instructions bfloat16 is slow."""
    if device.type == "cuda":
        return Hardware(gpu=True, bf16=torch.cuda.is_bf16_supported())
    ask = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return Hardware(gpu=False, bf16=bool(ask and ask()))


def _train(trainer: Trainer, feed: Feed, checkpointer: Checkpointer, machine: Machine, step: Step) -> bool:
    """Step until the end (True) or until the time is up (False). Whatever stops it stops it between two steps."""
    config, position = trainer.config, trainer.state.position
    assert config.samples is not None
    clock, status = _Clock(machine.max_minutes), {"loss": "", "best": "", "machine": ""}
    with track(f"train {config.model}", config.samples, "triplets") as line, Interrupts() as interrupts:
        line.advance(position.seen, already=True)
        batches = iter(feed.batches(position.seen))
        while True:
            if checkpointer.validation_is_due:
                scores = checkpointer.validate(feed, interrupts)
                if scores is None:
                    return _interrupted(checkpointer, interrupts)
                status["best"] = f"hole {scores.get('psnr', 0):.2f} dB"
                line.note = ", ".join(filter(None, status.values()))
                checkpointer.checkpoint()
            if position.seen >= config.samples or _stops_early(trainer):
                return True
            asked = time.monotonic()
            batch = next(batches)
            clock.waited += time.monotonic() - asked
            step(batch)
            line.advance(len(batch) * trainer.world.size)
            clock.steps += 1
            if clock.steps == TIMED_STEPS and trainer.world.first:
                _say_eta(clock, config.samples - position.seen, len(batch) * trainer.world.size)
            if position.step == 1 or position.step % LOG_EVERY_STEPS == 0 or position.seen >= config.samples:
                settle(trainer)
                means = trainer.state.running.close(trainer.world)
                checkpointer.log(
                    means | learning_rates(trainer), skipped=position.skipped, data_wait=round(clock.wait_share, 4)
                )
                status["loss"] = f"l1 {means.get('l1', means.get('l1_hole', 0)):.3f}"
                status["machine"] = f"data-wait {clock.wait_share:.0%}, {peak_bytes(trainer.device) / 1e9:.1f} GB"
                line.note = ", ".join(filter(None, status.values()))
            over = interrupts.asked != 0 or (clock.is_up and position.seen < config.samples)
            over, due = trainer.world.any([over, checkpointer.due])
            if over:
                return _interrupted(checkpointer, interrupts)
            if due and not checkpointer.validation_is_due:
                checkpointer.checkpoint()


def _interrupted(checkpointer: Checkpointer, interrupts: Interrupts) -> bool:
    checkpointer.save_early()
    interrupts.leave()
    return False


@dataclass
class _Clock:
    """Times of this process; ``waited`` is how long the arithmetic stood still for data, in seconds."""

    max_minutes: float | None
    waited: float = 0.0
    steps: int = 0

    def __post_init__(self) -> None:
        self._begun = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._begun

    @property
    def wait_share(self) -> float:
        return self.waited / max(1e-9, self.seconds)

    @property
    def is_up(self) -> bool:
        return self.max_minutes is not None and self.seconds > 60 * self.max_minutes


def _say_what_is_trained(trainer: Trainer, note: str) -> None:
    """Say what is trained, and which losses are live."""
    if note:
        say(note)
    for name, state in trainer.judges.notes.items():
        say(f"  {name} loss: {state}")
    sizes = ", ".join(f"{name} {count / 1e6:.2f} M parameters" for name, count in describe(trainer).items())
    how = f"{trainer.device}, in bfloat16" if trainer.config.bf16 else f"{trainer.device}"
    say(f"{trainer.config.model} at {trainer.config.size_px} px on {how}: {sizes}")


def _say_eta(clock: _Clock, triplets: int, batch: int) -> None:
    """The first steps, timed, say how long the whole will take."""
    whole_s = triplets / batch * clock.seconds / clock.steps
    told = f"{whole_s / DAY_S:.0f} days" if whole_s > 2 * DAY_S else f"{whole_s / 60:.0f} minutes"
    hint = " (that is long: a small run on real photos is in pipelines/lfw.yaml)" if whole_s > DAY_S else ""
    say(f"The first steps say: about {told} for the whole training here{hint}.", flush=True)


def _stops_early(trainer: Trainer) -> bool:
    position, patience = trainer.state.position, trainer.config.patience
    return bool(patience) and position.since_best >= patience and trainer.may_be_best(position.best_seen)


def peak_bytes(device: torch.device) -> int:
    """The most that was allocated on a GPU, or else the largest resident size of this process; 0 where unknown."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    try:
        import resource
    except ImportError:  # Windows has none
        return 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
