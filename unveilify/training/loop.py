"""Stage 3, top to bottom: open the shards, go on from the last checkpoint, step, validate, keep the best."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from unveilify.core import paths, stage, stamps
from unveilify.core.engine.device import pick, set_threads
from unveilify.core.errors import UserError
from unveilify.core.progress import track
from unveilify.core.stamps import Stamp
from unveilify.core.words import say
from unveilify.core.written import Output
from unveilify.models.contract import Batch, Learns, plugin
from unveilify.shards.stream import ShardSet
from unveilify.training import closed_form
from unveilify.training.config import Hardware, TrainConfig, resolve
from unveilify.training.cycle import with_cycle
from unveilify.training.data import Feed
from unveilify.training.diary import Diary
from unveilify.training.distributed import join
from unveilify.training.inputs import identified
from unveilify.training.interrupts import Interrupts
from unveilify.training.memory import peak_bytes
from unveilify.training.step import Game, describe, rates, set_up, take

STAGE = "train"
LOG_EVERY_STEPS, TIMED_STEPS = 50, 20
DAY_S = 86_400

Step = Callable[[Batch], dict[str, float]]


@dataclass(frozen=True, slots=True)
class Machine:
    """Where and how long to run; no part of what is trained. ``threads`` and ``workers`` None: chosen here."""

    device: str = "auto"
    threads: int | None = None
    workers: int | None = None
    max_minutes: float | None = None

    def resolve(self) -> torch.device:
        """The device, with the arithmetic's threads set: those asked for, else OMP_NUM_THREADS, else one per core.

        Raises:
            UserError: no such device here.
        """
        device = pick(self.device)
        set_threads(self.threads)
        return device


def run(config: TrainConfig, shards_dir: Path, run_dir: Path, machine: Machine, *, force: bool = False) -> Stamp | None:
    """Train to the end, or until ``machine.max_minutes``; None when it stopped before the end.

    The same seed, shards and config give the same weights at the same step on one kind of CPU, however
    often the run was interrupted.

    Raises:
        UserError: no shards, a network that trains not at all, or a run directory of another config.
    """
    paths.check(run_dir, shards_dir, config.start_from, config.cycle.photos if config.cycle else None)
    data = stamps.read(shards_dir, "shard", "unveilify shard")
    shards = ShardSet.open(shards_dir)
    world, device = join(machine.resolve())
    module = plugin(config.model)
    if issubclass(module.Network, Learns):
        return closed_form.run(config, shards, data.hash, run_dir, force=force)
    if not module.TRAINS:
        raise UserError(f"'{config.model}' needs no training: `unveilify report` measures it as it is.")
    config, note = resolve(config, shards.index.size_px, getattr(module, "SMALL", {}), hardware(device))
    config = identified(config)
    with ExitStack() as held:
        mine = held.enter_context(stage.opened(run_dir, STAGE, config, data.hash, force=force)) if world.first else None
        done = mine.done if mine is not None else None
        if world.from_first(float(done is not None), device):
            return done
        out = mine or Output(run_dir)
        game = set_up(config, device, world)
        game.state.of = {"input": data.hash, "config": config.model_dump(mode="json", exclude_defaults=True)}
        step = with_cycle(game, out) if config.cycle else partial(take, game)
        if world.first:
            _introduce(game, note)
        diary = Diary(out, game)
        diary.open()
        if not _train(game, Feed.open(shards, config, machine.workers, device, world), diary, machine, step):
            if world.first:
                say(f"Stopped at {game.state.position.seen} of {config.samples} triplets; the same command goes on.")
            return None
        if mine is None:
            return None
        diary.finish()
        position = game.state.position
        return mine.commit({"steps": position.step, "triplets": position.seen, "skipped_steps": position.skipped})


def hardware(device: torch.device) -> Hardware:
    """What of this machine decides the defaults; on a CPU without the instructions bfloat16 is slow."""
    if device.type == "cuda":
        return Hardware(gpu=True, bf16=torch.cuda.is_bf16_supported())
    ask = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return Hardware(gpu=False, bf16=bool(ask and ask()))


def _train(game: Game, feed: Feed, diary: Diary, machine: Machine, step: Step) -> bool:
    """Step until the end (True) or until the time is up (False). Whatever stops it stops it between two steps."""
    config, position, window = game.config, game.state.position, game.state.window
    assert config.samples is not None
    clock, told = _Clock(machine.max_minutes), {"loss": "", "best": "", "machine": ""}
    with track(f"train {config.model}", config.samples, "triplets") as line, Interrupts() as interrupts:
        line.advance(position.seen, already=True)
        batches = iter(feed.batches(position.seen))
        while True:
            if diary.validation_is_due:
                scores = diary.validate(feed, interrupts)
                if scores is None:
                    return _leave(diary, interrupts)
                told["best"] = f"hole {scores.get('psnr', 0):.2f} dB"
                line.note = ", ".join(filter(None, told.values()))
                diary.checkpoint()
            if position.seen >= config.samples or _worn_out(game):
                return True
            asked = time.monotonic()
            batch = next(batches)
            clock.waited += time.monotonic() - asked
            window.add(step(batch))
            line.advance(len(batch) * game.world.size)
            clock.steps += 1
            if clock.steps == TIMED_STEPS and game.world.first:
                _foretell(clock, config.samples - position.seen, len(batch) * game.world.size)
            if position.step == 1 or position.step % LOG_EVERY_STEPS == 0 or position.seen >= config.samples:
                means = window.close(game.world, game.device)
                diary.log(means | rates(game), skipped=position.skipped, data_wait=round(clock.wait_share, 4))
                told["loss"] = f"l1 {means.get('l1', means.get('l1_hole', 0)):.3f}"
                told["machine"] = f"data-wait {clock.wait_share:.0%}, {peak_bytes(game.device) / 1e9:.1f} GB"
                line.note = ", ".join(filter(None, told.values()))
            over = interrupts.asked != 0 or (clock.is_up and position.seen < config.samples)
            over, due = game.world.any([over, diary.due], game.device)
            if over:
                return _leave(diary, interrupts)
            if due and not diary.validation_is_due:
                diary.checkpoint()


def _leave(diary: Diary, interrupts: Interrupts) -> bool:
    diary.stop_early()
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


def _introduce(game: Game, note: str) -> None:
    """Say what is trained, and which losses are live."""
    if note:
        say(note)
    for name, state in game.judges.notes.items():
        say(f"  {name} loss: {state}")
    sizes = ", ".join(f"{name} {count / 1e6:.2f} M parameters" for name, count in describe(game).items())
    say(f"{game.config.model} at {game.config.size_px} px on {game.device}: {sizes}")


def _foretell(clock: _Clock, triplets: int, batch: int) -> None:
    """The first steps, timed, say how long the whole will take."""
    whole_s = triplets / batch * clock.seconds / clock.steps
    told = f"{whole_s / DAY_S:.0f} days" if whole_s > 2 * DAY_S else f"{whole_s / 60:.0f} minutes"
    hint = " (that is long: a small run on real photos is in pipelines/lfw.yaml)" if whole_s > DAY_S else ""
    say(f"The first steps say: about {told} for the whole training here{hint}.", flush=True)


def _worn_out(game: Game) -> bool:
    position, patience = game.state.position, game.config.patience
    return bool(patience) and position.since_best >= patience and game.settled(position.best_seen)
