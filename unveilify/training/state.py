"""Everything that a training is, in one file: weights, averages, optimizers and the position.

There is no random state to save: every step seeds itself from (seed, step). The file says what training it is of, and
carries a digest (`models.tensors`).
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, count
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from unveilify.core.config import difference
from unveilify.core.errors import UserError
from unveilify.models import tensors as files
from unveilify.training.config import without_length
from unveilify.training.distributed import World


class UnusableError(Exception):
    """A checkpoint that cannot be gone on from: why, in a few words."""


@dataclass
class RunningMeans:
    """Sums and counts since the last row, by name: a loss that acted in some steps only is their mean.

    Values that are not finite are left out; those steps are counted as skipped. A part of every checkpoint.
    """

    sums: dict[str, float] = field(default_factory=dict)
    counts: dict[str, float] = field(default_factory=dict)

    def add(self, values: Mapping[str, float]) -> None:
        """The values of one step."""
        for name, value in values.items():
            there = math.isfinite(value)
            self.sums[name] = self.sums.get(name, 0.0) + (value if there else 0.0)
            self.counts[name] = self.counts.get(name, 0.0) + there

    def together(self, world: World) -> None:
        """Make it the mean over all processes, in each of them."""
        self.sums, self.counts = (world.mean(part) for part in (self.sums, self.counts))

    def close(self, world: World) -> dict[str, float]:
        """The means; NaN where nothing was finite. Begins again."""
        self.together(world)
        means = {
            name: total / self.counts[name] if self.counts[name] else math.nan for name, total in self.sums.items()
        }
        self.sums, self.counts = {}, {}
        return means


@dataclass(slots=True)
class Position:
    """How far the training is, and its best validation so far (lower is better).

    ``skipped`` counts the steps from which nothing was learned; ``astray`` rises with each of them and falls with
    every other; ``rows`` are the lines of the log.
    """

    step: int = 0
    seen: int = 0
    best: float = float("inf")
    best_seen: int = 0
    since_best: int = 0
    validated: int = 0
    skipped: int = 0
    astray: int = 0
    rows: int = 0


@dataclass
class TrainState:
    """The parts of a training that change; ``of`` says which training it is: settings and input."""

    modules: dict[str, nn.Module]
    optimizers: dict[str, Optimizer]
    position: Position = field(default_factory=Position)
    running: RunningMeans = field(default_factory=RunningMeans)
    of: dict[str, Any] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Write one whole file or none.

        Raises:
            UnusableError: a number in it is not finite; nothing was written.
            UserError: it cannot be written there.
        """
        tensors = {f"{name}.{k}": v for name, module in self.modules.items() for k, v in module.state_dict().items()}
        for name, optimizer in self.optimizers.items():
            tensors |= {f"{name}.{i}.{k}": v for i, k, v in _moments(optimizer)}
        plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
        bad = files.not_finite(plain)
        if bad is not None:
            raise UnusableError(f"{bad} is not finite")
        position = {name: getattr(self.position, name) for name in self.position.__slots__}
        position["best"] = None if math.isinf(self.position.best) else self.position.best
        about = {"position": position, "sums": self.running.sums, "counts": self.running.counts, "of": self.of}
        files.write(path, plain, about)

    def load(self, path: Path) -> None:
        """Put back what `save` wrote.

        Raises:
            UnusableError: the file is damaged, of another network, of other settings, or holds what is not finite.
        """
        try:
            about, tensors = files.read(path)
            position = _position(about["position"])
            running = RunningMeans(dict(about["sums"]), dict(about["counts"]))
        except files.DamagedError as error:
            raise UnusableError(str(error)) from None
        except (KeyError, TypeError, ValueError):
            raise UnusableError("it is no checkpoint of this version") from None
        if _whole(about["of"]) != _whole(self.of):
            raise UnusableError(f"it is of another training: {difference(about['of'], self.of)}")
        bad = files.not_finite(tensors)
        if bad is not None:
            raise UnusableError(f"{bad} is not finite")
        try:
            for name, module in self.modules.items():
                module.load_state_dict(_under(tensors, f"{name}."))
            for name, optimizer in self.optimizers.items():
                _put_moments(optimizer, _under(tensors, f"{name}."))
        except (KeyError, IndexError, ValueError, RuntimeError) as error:
            raise UnusableError(f"it is of another network: {' '.join(str(error).split())[:200]}") from None
        self.position, self.running = position, running


def resume(state: TrainState, run_dir: Path, say: Callable[[str], None]) -> Path | None:
    """Go on from the newest checkpoint that can be used, if there are any; newer ones are put aside, and said.

    Raises:
        UserError: there are some, and none can be used; all stay where they are.
    """
    there = checkpoints(run_dir)
    unusable: dict[Path, str] = {}
    for path in reversed(there):
        try:
            state.load(path)
        except UnusableError as error:
            unusable[path] = str(error)
            continue
        if path.name != name_of(state.position.seen):
            unusable[path] = f"its name does not say that it was written at {state.position.seen} triplets"
            continue
        for bad, why in unusable.items():
            aside = _aside(bad)
            bad.rename(aside)
            say(f"The checkpoint {bad} cannot be used ({why}): put aside as {aside.name}.")
        return path
    if unusable:
        why = "; ".join(f"{path.name}: {why}" for path, why in unusable.items())
        raise UserError(
            f"No checkpoint in {run_dir} can be used ({why}): begin anew with --force, or give another folder as --out."
        )
    return None


def _aside(bad: Path) -> Path:
    """A name for a checkpoint that is put aside, which no other has."""
    names = (bad.with_name(f"unusable-{number}{bad.name}") for number in chain([""], map("{}-".format, count(2))))
    return next(path for path in names if not path.exists())


def name_of(seen: int) -> str:
    """The file of a checkpoint after so many triplets."""
    return f"checkpoint-{seen:010d}.safetensors"


def _whole(of: Any) -> Any:
    """Which training it is, however long."""
    known = isinstance(of, dict) and isinstance(of.get("config"), dict)
    return of | {"config": without_length(of["config"])} if known else of


def position_of(checkpoint: Path) -> int:
    """The triplets after which it was written, by its name."""
    return int(checkpoint.stem.rpartition("-")[2])


def checkpoints(run_dir: Path) -> list[Path]:
    """The checkpoints of a run, oldest first."""
    return sorted(path for path in run_dir.glob("checkpoint-*.safetensors") if path.stem[11:].isdecimal())


def _moments(optimizer: Optimizer) -> Iterator[tuple[int, str, Tensor]]:
    for index, moments in optimizer.state_dict()["state"].items():
        for name, value in moments.items():
            yield index, name, torch.as_tensor(value)


def _put_moments(optimizer: Optimizer, tensors: dict[str, Tensor]) -> None:
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    state: dict[int, dict[str, Any]] = {}
    for name, value in tensors.items():
        index, moment = name.split(".", 1)
        weight = weights[int(index)]
        if value.shape == weight.shape:
            # A fused optimizer walks weight and moments in memory order, which must be the same.
            value = torch.empty_like(weight, dtype=value.dtype, requires_grad=False).copy_(value)
        state.setdefault(int(index), {})[moment] = value
    optimizer.load_state_dict(optimizer.state_dict() | {"state": state})


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _position(told: dict[str, Any]) -> Position:
    """What a checkpoint says of where it is.

    Raises:
        ValueError, TypeError: these are no such numbers.
    """
    position = Position(**{**told, "best": math.inf if told["best"] is None else float(told["best"])})
    counts = [getattr(position, name) for name in position.__slots__ if name != "best"]
    if not all(isinstance(count, int) and count >= 0 for count in counts) or math.isnan(position.best):
        raise ValueError
    return position
