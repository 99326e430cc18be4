"""Stage 3, top to bottom: open the shards, go on from the last checkpoint, step, validate, keep the best."""

import json
import time
from dataclasses import dataclass
from pathlib import Path

import torch
import yaml

from unveilify.core import stamps
from unveilify.core.config import build
from unveilify.core.engine.local import cores
from unveilify.core.errors import UserError
from unveilify.core.pictures import encode_png
from unveilify.core.progress import Line, track
from unveilify.core.stamps import Stamp
from unveilify.core.storage import canonical_json, write_bytes, write_text
from unveilify.models.parts import store
from unveilify.models.parts.contract import plugin
from unveilify.shards.stream import ShardSet
from unveilify.training.config import Hardware, TrainConfig, resolve
from unveilify.training.data import Feed
from unveilify.training.state import checkpoints
from unveilify.training.step import Game, describe, set_up, take
from unveilify.training.validate import cost, grid, validate

STAGE = "train"
CHECKPOINT_EVERY_S, LOG_EVERY_STEPS = 300.0, 50


@dataclass(frozen=True, slots=True)
class Machine:
    """Where and how long to run; no part of what is trained. ``threads`` and ``workers`` None: chosen here."""

    device: str = "auto"
    threads: int | None = None
    workers: int | None = None
    max_minutes: float | None = None

    def resolve(self) -> torch.device:
        """The device, with the arithmetic's threads set.

        Raises:
            UserError: no such device here.
        """
        name = ("cuda" if torch.cuda.is_available() else "cpu") if self.device == "auto" else self.device
        if name.startswith("cuda") and not torch.cuda.is_available():
            raise UserError("There is no CUDA GPU that PyTorch can use here: take --device cpu.")
        torch.set_num_threads(self.threads or cores())
        return torch.device(name)


def run(config: TrainConfig, shards_dir: Path, run_dir: Path, machine: Machine, *, force: bool = False) -> Stamp | None:
    """Train to the end, or until ``machine.max_minutes``; None when it stopped before the end.

    The same seed, shards and config give the same weights at the same step on one kind of CPU, however
    often the run was interrupted.

    Raises:
        UserError: no shards, a network that trains not at all, or a run directory of another config.
    """
    data = stamps.read(shards_dir, "shard", "unveilify shard")
    shards = ShardSet.open(shards_dir)
    device = machine.resolve()
    module = plugin(config.model)
    config, note = resolve(config, shards.index.size_px, getattr(module, "SMALL", {}), hardware(device))
    if not module.TRAINS:
        raise UserError(f"'{config.model}' needs no training: `unveilify report` measures it as it is.")
    done = stamps.begin(run_dir, STAGE, config, data.hash, force=force)
    if done:
        return done
    if note:
        print(note)
    game = set_up(config, device)
    write_text(run_dir / "config.yaml", yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False))
    for name, state in game.judges.notes.items():
        print(f"  {name} loss: {state}")
    sizes = ", ".join(f"{name} {count / 1e6:.2f} M parameters" for name, count in describe(game).items())
    print(f"{config.model} at {config.size_px} px on {device}: {sizes}")
    _resume(game, run_dir)
    if not _train(game, Feed.open(shards, config, machine.workers, device), run_dir, machine):
        print(
            f"Stopped at {game.state.position.seen} of {config.samples} triplets; the same command goes on from there."
        )
        return None
    counts = {"steps": game.state.position.step, "triplets": game.state.position.seen}
    return stamps.commit(run_dir, STAGE, config, data.hash, counts | {"skipped_steps": game.state.position.skipped})


def hardware(device: torch.device) -> Hardware:
    """What of this machine decides the defaults; on a CPU without the instructions bfloat16 is slow."""
    if device.type == "cuda":
        return Hardware(gpu=True, bf16=torch.cuda.is_bf16_supported())
    ask = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return Hardware(gpu=False, bf16=bool(ask and ask()))


def _train(game: Game, feed: Feed, run_dir: Path, machine: Machine) -> bool:
    """Step until the end (True) or until the time is up (False)."""
    config, position = game.config, game.state.position
    assert config.samples is not None and config.validate_every is not None
    begun = saved = time.monotonic()
    waited = 0.0
    with track(f"train {config.model}", config.samples, "triplets") as line:
        line.advance(position.seen, already=True)
        batches = iter(feed.batches(position.seen))
        try:
            while position.seen < config.samples and not _worn_out(game):
                asked = time.monotonic()
                batch = next(batches)
                waited += time.monotonic() - asked
                losses = take(game, batch)
                line.advance(len(batch))
                if position.step % LOG_EVERY_STEPS == 0:
                    share = waited / (time.monotonic() - begun)
                    _log(run_dir, game, losses, data_wait=round(share, 4))
                    line.note = f"l1 {losses.get('l1', losses.get('l1_hole', 0)):.3f}, data-wait {share:.0%}"
                if position.seen - position.validated >= config.validate_every or position.seen >= config.samples:
                    _validate(game, feed, run_dir, line)
                    _checkpoint(game, run_dir)
                    saved = time.monotonic()
                elif time.monotonic() - saved > CHECKPOINT_EVERY_S:
                    _checkpoint(game, run_dir)
                    saved = time.monotonic()
                if machine.max_minutes and time.monotonic() - begun > 60 * machine.max_minutes:
                    _validate(game, feed, run_dir, line)
                    _checkpoint(game, run_dir)
                    return position.seen >= config.samples
        except KeyboardInterrupt:
            _checkpoint(game, run_dir)
            raise
    return True


def _worn_out(game: Game) -> bool:
    return bool(game.config.patience) and game.state.position.since_best >= game.config.patience


def _validate(game: Game, feed: Feed, run_dir: Path, line: Line) -> None:
    position = game.state.position
    scores = validate(game.average, feed.validation(), game.judges)
    price = cost(scores, game.recipe)
    position.validated = position.seen
    position.since_best += 1
    if price < position.best:
        position.best, position.best_seen, position.since_best = price, position.seen, 0
        module = plugin(game.config.model)
        settings = build(module.Config, {"size_px": game.config.size_px, **game.config.network})
        about = {"seen": position.seen, "validation": scores, "losses": game.judges.notes}
        store.save(run_dir / "best.safetensors", game.config.model, settings, game.average.state_dict(), meta=about)
    _log(run_dir, game, {f"val_{name}": value for name, value in scores.items()}, best=position.best_seen)
    write_bytes(run_dir / "samples" / f"{position.seen:09d}.png", encode_png(grid(game.average, feed.glimpse())))
    line.note = f"hole {scores['psnr']:.2f} dB"


def _checkpoint(game: Game, run_dir: Path) -> None:
    game.state.save(run_dir / f"checkpoint-{game.state.position.seen:010d}.safetensors")
    for old in checkpoints(run_dir)[: -game.config.keep_checkpoints]:
        old.unlink()


def _resume(game: Game, run_dir: Path) -> None:
    """Go on from the newest checkpoint, and cut the log back to it."""
    found = checkpoints(run_dir)
    log = run_dir / "log.jsonl"
    if found:
        game.state.load(found[-1])
        print(f"Going on from {game.state.position.seen} triplets.")
    if log.is_file():
        kept = [row for row in log.read_text().splitlines() if _seen(row) <= game.state.position.seen]
        write_text(log, "".join(f"{row}\n" for row in kept))


def _seen(row: str) -> int:
    try:
        return int(json.loads(row)["seen"])
    except (KeyError, TypeError, ValueError):  # a line cut by a kill
        return 2**62


def _log(run_dir: Path, game: Game, values: dict[str, float], **more: float) -> None:
    position = game.state.position
    row = {"step": position.step, "seen": position.seen, **{k: _short(v) for k, v in values.items()}, **more}
    with (run_dir / "log.jsonl").open("ab") as file:
        file.write(canonical_json(row) + b"\n")


def _short(value: float) -> float | None:
    return float(f"{value:.6g}") if abs(value) < float("inf") else None
