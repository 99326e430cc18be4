"""Everything that a training is, in one file: weights, averages, optimizers and the position.

There is no random state to save: every step seeds itself from (seed, step). The file is safetensors, so
loading it runs nothing.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from unveilify.core.errors import UserError
from unveilify.core.storage import writing


@dataclass(slots=True)
class Position:
    """How far the training is, and its best validation so far (lower is better)."""

    step: int = 0
    seen: int = 0
    best: float = float("inf")
    best_seen: int = 0
    since_best: int = 0
    validated: int = 0
    skipped: int = 0


@dataclass
class State:
    """The parts of a training that change."""

    modules: dict[str, nn.Module]
    optimizers: dict[str, Optimizer]
    position: Position = field(default_factory=Position)

    def save(self, path: Path) -> None:
        """Write one whole file or none."""
        tensors = {f"{name}.{k}": v for name, module in self.modules.items() for k, v in module.state_dict().items()}
        for name, optimizer in self.optimizers.items():
            tensors |= {f"{name}.{i}.{k}": v for i, k, v in _moments(optimizer)}
        plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
        position = {name: getattr(self.position, name) for name in self.position.__slots__}
        with writing(path) as temporary:
            save_file(plain, temporary, metadata={"position": json.dumps(position)})

    def load(self, path: Path) -> None:
        """Put back what `save` wrote.

        Raises:
            UserError: the file is damaged or of another network.
        """
        try:
            with safe_open(path, framework="pt") as file:
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
                position = json.loads(file.metadata()["position"])
            for name, module in self.modules.items():
                module.load_state_dict(_under(tensors, f"{name}."))
            for name, optimizer in self.optimizers.items():
                _put_moments(optimizer, _under(tensors, f"{name}."))
        except (SafetensorError, KeyError, ValueError, RuntimeError, OSError) as error:
            raise UserError(
                f"The checkpoint {path} cannot be used ({error}): delete it to go on from the one before."
            ) from None
        self.position = Position(**position)


def checkpoints(run_dir: Path) -> list[Path]:
    """The checkpoints of a run, oldest first."""
    return sorted(run_dir.glob("checkpoint-*.safetensors"))


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
