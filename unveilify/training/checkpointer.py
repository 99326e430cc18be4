"""What a training leaves in its run directory: log rows, checkpoints, the best weights, pictures."""

import math
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path

import yaml

from unveilify.core.config import build
from unveilify.core.errors import UserError
from unveilify.core.paths import BEST
from unveilify.core.pictures import encode_png
from unveilify.core.stamps import LOG
from unveilify.core.storage import canonical_json, write_bytes
from unveilify.core.words import say
from unveilify.core.written import OutputFolder
from unveilify.models import store
from unveilify.models.contract import Batch, plugin
from unveilify.models.tensors import not_finite
from unveilify.training.board import Board
from unveilify.training.data import Feed
from unveilify.training.interrupts import Interrupts
from unveilify.training.state import UnusableError, checkpoints, name_of, resume
from unveilify.training.step import settle
from unveilify.training.trainer import Trainer, diverged
from unveilify.training.validate import cost, grid, validate

CHECKPOINT_EVERY_S = 300.0


@dataclass
class Checkpointer:
    """The files of one run. Only the first of several processes writes; the others keep the same position."""

    out: OutputFolder
    trainer: Trainer
    saved: float = field(default_factory=time.monotonic)
    tensorboard: bool = False
    _board: Board | None = None

    @property
    def run_dir(self) -> Path:
        """The folder of the run."""
        return self.out.directory

    def open(self) -> None:
        """Write the config, go on from the newest whole checkpoint, and cut the log back to it.

        Raises:
            UserError: there are checkpoints, and none can be used.
        """
        trainer, first = self.trainer, self.trainer.world.first
        if first:
            for name in self.out.notes():
                self.out.keep(name)
        found = resume(trainer.state, self.run_dir, lambda said: say(said, flush=True)) if first else None
        seen = int(trainer.world.from_first(-1.0 if found is None else trainer.state.position.seen))
        if not first and seen >= 0:
            trainer.state.load(self.run_dir / name_of(seen))
        if seen > 0 and trainer.world.any([first and not self._best_is_there()])[0]:
            trainer.state.position.best, trainer.state.position.best_seen = math.inf, 0
        if not first:
            return
        self.out.write_text("config.yaml", yaml.safe_dump(trainer.config.model_dump(mode="json"), sort_keys=False))
        if found:
            say(f"Going on from {trainer.state.position.seen} triplets.")
        log = self.run_dir / LOG
        if log.is_file():
            kept = log.read_bytes().splitlines(keepends=True)[: trainer.state.position.rows]
            write_bytes(log, b"".join(kept))
        if self.tensorboard:
            self._board = Board(self.run_dir, trainer.state.position.seen)

    def log(self, values: dict[str, float], **more: float) -> None:
        """Append one row; numbers that are not finite become null."""
        position = self.trainer.state.position
        position.rows += 1
        if not self.trainer.world.first:
            return
        row = {"step": position.step, "seen": position.seen, **{k: _short(v) for k, v in values.items()}, **more}
        with (self.run_dir / LOG).open("ab") as file:
            file.write(canonical_json(row) + b"\n")
        if self._board is not None:
            self._board.add({k: v for k, v in row.items() if k not in ("step", "seen", "best")}, position.seen)

    @property
    def validation_is_due(self) -> bool:
        """Whether the weights as they are should be looked at before the next step."""
        config, position = self.trainer.config, self.trainer.state.position
        assert config.samples is not None
        assert config.validate_every is not None
        since = position.seen - position.validated
        return since >= config.validate_every or (since > 0 and position.seen >= config.samples)

    def validate(self, feed: Feed, interrupts: Interrupts | None = None) -> dict[str, float] | None:
        """Look at the validation split with the averaged weights; keep them if they are the best so far.

        A validation with all losses settled beats any from before. None, and nothing changed, where it was interrupted.
        """
        trainer, position = self.trainer, self.trainer.state.position
        settle(trainer)
        scores = (
            validate(trainer.system, _until(interrupts, feed.validation()), trainer.judges)
            if trainer.world.first
            else {}
        )
        cut_short = trainer.world.first and interrupts is not None and interrupts.asked != 0
        if trainer.world.any([cut_short])[0]:
            return None
        price = cost(scores, trainer.recipe) if scores and not_finite(trainer.ema.state_dict()) is None else math.nan
        price = trainer.world.from_first(price)
        position.validated = position.seen
        position.since_best += 1
        first_eligible = trainer.may_be_best(position.seen) and not trainer.may_be_best(position.best_seen)
        if price < position.best or (first_eligible and math.isfinite(price)):
            position.best, position.best_seen, position.since_best = price, position.seen, 0
            self.keep_best(scores)
        self.log({f"val_{name}": value for name, value in scores.items()}, best=position.best_seen)
        if trainer.world.first:
            picture = encode_png(grid(trainer.system, feed.preview()))
            self.out.write_bytes(f"samples/{position.seen:09d}.png", picture)
        return scores

    def keep_best(self, scores: dict[str, float]) -> None:
        """Write the averaged weights as the run's network."""
        trainer = self.trainer
        if not trainer.world.first:
            return
        settings = build(
            plugin(trainer.config.model).Config, {"size_px": trainer.config.size_px, **trainer.config.network}
        )
        validation = {name: _short(value) for name, value in scores.items()}
        about = {"seen": trainer.state.position.seen, "validation": validation, "losses": trainer.judges.notes}
        with self.out.file(BEST) as path:
            store.save(path, trainer.config.model, settings, trainer.ema.state_dict(), meta=about)

    def checkpoint(self) -> None:
        """Write everything that the run is, and drop the oldest such files; every process must call it.

        Raises:
            UserError: the training has diverged: what it is now is not kept.
        """
        trainer = self.trainer
        self.saved = time.monotonic()
        settle(trainer)
        trainer.state.running.together(trainer.world)
        if not trainer.world.first:
            return
        self._sync_log()
        try:
            with self.out.file(name_of(trainer.state.position.seen)) as path:
                trainer.state.save(path)
        except UnusableError as error:
            raise diverged(trainer, str(error)) from None
        self._drop_old()

    def save_early(self) -> None:
        """Keep what there is, without a validation that an undisturbed run would not have made here."""
        self.checkpoint()
        if self.trainer.state.position.best_seen == 0:
            self.keep_best({})

    def finish(self) -> None:
        """See that the run has a network.

        Raises:
            UserError: it has none that is worth keeping.
        """
        position = self.trainer.state.position
        if 2 * position.skipped >= position.step:
            raise diverged(self.trainer, f"{position.skipped} of its {position.step} steps taught nothing")
        if position.best_seen == 0:
            self.keep_best({})
        if self._board is not None:
            self._board.close()
        self._drop_old()  # a kill may have come between the last checkpoint and this

    def _drop_old(self) -> None:
        ours = self.out.notes()
        for old in checkpoints(self.run_dir)[: -self.trainer.config.keep_checkpoints]:
            if old.name in ours:
                old.unlink()

    def _sync_log(self) -> None:
        """Its rows are counted in the checkpoint, which must not be there without them."""
        log = self.run_dir / LOG
        if log.is_file():
            with log.open("rb+") as file:
                os.fsync(file.fileno())

    def _best_is_there(self) -> bool:
        """Whether the best network is as the position says; if not, the best one from here on will be kept."""
        if self.trainer.state.position.best_seen == 0:
            return True
        try:
            store.read(self.run_dir / BEST)
        except UserError as error:
            say(f"The best weights so far are lost ({error}): those from here on are kept.", flush=True)
            return False
        return True

    @property
    def due(self) -> bool:
        """Whether the last checkpoint is long enough ago."""
        return time.monotonic() - self.saved > CHECKPOINT_EVERY_S


def _until(interrupts: Interrupts | None, batches: Iterator[Batch]) -> Iterator[Batch]:
    """The batches, as long as nobody wants to leave."""
    return takewhile(lambda _: interrupts is None or not interrupts.asked, batches)


def _short(value: float) -> float | None:
    return float(f"{value:.6g}") if abs(value) < float("inf") else None
