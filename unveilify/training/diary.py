"""What a training leaves in its run directory: log rows, checkpoints, the best weights, pictures."""

import json
import math
import time
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from unveilify.core.config import build
from unveilify.core.pictures import encode_png
from unveilify.core.storage import canonical_json, write_bytes, write_text
from unveilify.models.parts import store
from unveilify.models.parts.contract import plugin
from unveilify.training.config import BEST
from unveilify.training.data import Feed
from unveilify.training.state import checkpoints
from unveilify.training.step import Game
from unveilify.training.validate import cost, grid, validate

CHECKPOINT_EVERY_S = 300.0


@dataclass
class Diary:
    """The files of one run. Only the first of several processes writes; the others keep the same position."""

    run_dir: Path
    game: Game
    saved: float = field(default_factory=time.monotonic)

    def open(self) -> None:
        """Write the config, go on from the newest checkpoint, and cut the log back to it."""
        game = self.game
        found = checkpoints(self.run_dir)
        if found:
            game.state.load(found[-1])
        if not game.world.first:
            return
        write_text(self.run_dir / "config.yaml", yaml.safe_dump(game.config.model_dump(mode="json"), sort_keys=False))
        if found:
            print(f"Going on from {game.state.position.seen} triplets.")
        log = self.run_dir / "log.jsonl"
        if log.is_file():
            kept = [row for row in log.read_text().splitlines() if _seen(row) <= game.state.position.seen]
            write_text(log, "".join(f"{row}\n" for row in kept))

    def log(self, values: dict[str, float], **more: float) -> None:
        """Append one row; numbers that are not finite become null."""
        if not self.game.world.first:
            return
        position = self.game.state.position
        row = {"step": position.step, "seen": position.seen, **{k: _short(v) for k, v in values.items()}, **more}
        with (self.run_dir / "log.jsonl").open("ab") as file:
            file.write(canonical_json(row) + b"\n")

    def validate(self, feed: Feed) -> dict[str, float]:
        """Look at the validation split with the averaged weights; keep them if they are the best so far.

        A validation with all losses settled beats any from before.
        """
        game, position = self.game, self.game.state.position
        scores = validate(game.average, feed.validation(), game.judges) if game.world.first else {}
        price = game.world.from_first(cost(scores, game.recipe) if scores else 0.0, game.device)
        position.validated = position.seen
        position.since_best += 1
        first_settled = game.settled(position.seen) and not game.settled(position.best_seen)
        if price < position.best or (first_settled and math.isfinite(price)):
            position.best, position.best_seen, position.since_best = price, position.seen, 0
            self.keep_best(scores)
        if game.world.first:
            self.log({f"val_{name}": value for name, value in scores.items()}, best=position.best_seen)
            picture = encode_png(grid(game.average, feed.glimpse()))
            write_bytes(self.run_dir / "samples" / f"{position.seen:09d}.png", picture)
        return scores

    def keep_best(self, scores: dict[str, float]) -> None:
        """Write the averaged weights as the run's network."""
        game = self.game
        if not game.world.first:
            return
        settings = build(plugin(game.config.model).Config, {"size_px": game.config.size_px, **game.config.network})
        about = {"seen": game.state.position.seen, "validation": scores, "losses": game.judges.notes}
        store.save(self.run_dir / BEST, game.config.model, settings, game.average.state_dict(), meta=about)

    def checkpoint(self) -> None:
        """Write everything that the run is, and drop the oldest such files."""
        self.saved = time.monotonic()
        if not self.game.world.first:
            return
        self.game.state.save(self.run_dir / f"checkpoint-{self.game.state.position.seen:010d}.safetensors")
        for old in checkpoints(self.run_dir)[: -self.game.config.keep_checkpoints]:
            old.unlink()

    def stop_early(self) -> None:
        """The time is up: keep what there is, without a validation that an undisturbed run would not have made."""
        self.checkpoint()
        if not (self.run_dir / BEST).is_file():
            self.keep_best({})

    @property
    def due(self) -> bool:
        """Whether the last checkpoint is long enough ago."""
        return time.monotonic() - self.saved > CHECKPOINT_EVERY_S


def _seen(row: str) -> int:
    try:
        return int(json.loads(row)["seen"])
    except (KeyError, TypeError, ValueError):  # a line cut by a kill
        return 2**62


def _short(value: float) -> float | None:
    return float(f"{value:.6g}") if abs(value) < float("inf") else None
