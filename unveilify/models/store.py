"""One network in one file: its tensors, the model's name, its config and a digest (`models.tensors`)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from unveilify.core.config import build
from unveilify.core.errors import UserError
from unveilify.models import tensors as files
from unveilify.models.contract import Plugin, Sized, plugin


@dataclass(frozen=True, slots=True)
class Stored:
    """A network as it was saved, on the CPU, in evaluation mode, float32."""

    model: str
    config: Sized
    network: nn.Module
    meta: dict[str, Any]


def save(
    path: Path,
    model: str,
    config: Sized,
    state: Mapping[str, Tensor],
    *,
    meta: Mapping[str, Any] | None = None,
    dtype: torch.dtype | None = None,
) -> None:
    """Write ``state`` (of a network, or of its moving average) as one whole file or none.

    ``meta`` is any JSON (data, step, scores). ``dtype`` stores floating tensors in another precision, such
    as ``torch.float16`` for a network that ships. Equal input is equal bytes.
    """
    tensors = {name: _plain(tensor, dtype) for name, tensor in state.items()}
    bad = files.not_finite(tensors)
    if bad is not None:
        raise UserError(f"The weights {bad} of this '{model}' network are not finite: it is not written to {path}.")
    about = {"model": model, "config": config.model_dump(mode="json"), "meta": dict(meta or {})}
    files.write(path, tensors, about)


def load(path: Path) -> Stored:
    """Read a network back, checking every byte against the digest and every name and shape.

    Raises:
        UserError: not such a file, damaged, or written by a model that does not exist here.
    """
    about, tensors = read(path)
    try:
        module = plugin(about["model"])
        config = build(module.Config, about["config"])
    except UserError as error:
        raise UserError(f"{path} is of another version, or damaged: {error}") from None
    if not _fits(module, config, tensors):
        raise UserError(
            f"{path} does not fit the model '{about['model']}' of this version with its settings: take another file."
        )
    with torch.device("cpu"):  # also while a network that holds this one is only being measured
        network = module.Network(config)
    floats = {n: t.float() if t.is_floating_point() else t for n, t in tensors.items()}
    try:
        network.load_state_dict(floats)
    except RuntimeError as error:
        what = " ".join(str(error).split())[:200]
        raise UserError(f"{path} does not fit the model '{about['model']}' of this version: {what}") from None
    return Stored(about["model"], config, network.eval(), about["meta"])


def _fits(module: Plugin, config: Sized, tensors: Mapping[str, Tensor]) -> bool:
    """Whether the network of ``config`` has the tensors of the file, told before any memory is taken for it.

    Whole numbers in place of others would be taken for weights without a word.
    """
    try:
        with torch.device("meta"), _Undrawn():
            expected = module.Network(config).state_dict()
    except (RuntimeError, OverflowError, MemoryError, ValueError):
        return False
    like, given = (
        {name: (tensor.shape, tensor.is_floating_point()) for name, tensor in some.items()}
        for some in (expected, tensors)
    )
    return like == given


class _Undrawn(TorchFunctionMode):
    """Leaves weights that have no memory without random numbers: to draw none, torch would load its compiler, for seconds."""

    def __torch_function__(
        self, func: Callable[..., Any], types: object, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        given = kwargs or {}
        if getattr(func, "__name__", "") in ("normal_", "uniform_"):
            return args[0] if args else given["tensor"]
        return func(*args, **given)


def read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The metadata (model, config, meta) and the tensors of a file, verified but not built."""
    if not path.is_file():
        raise UserError(f"There is no network file {path}: give a .safetensors file that `unveilify train` wrote.")
    try:
        about, tensors = files.read(path)
    except files.DamagedError as error:
        raise UserError(
            f"{path} is not a whole network file of unveilify ({error}): copy it again or take another checkpoint."
        ) from None
    bad = files.not_finite(tensors)
    kinds = {"model": str, "config": dict, "meta": dict}
    if bad is not None or not all(isinstance(about.get(name), kind) for name, kind in kinds.items()):
        what = f"its weights {bad} are not finite" if bad else "it holds something else"
        raise UserError(f"{path} is no network ({what}): give a .safetensors file that `unveilify train` wrote.")
    return about, tensors


def _plain(tensor: Tensor, dtype: torch.dtype | None) -> Tensor:
    tensor = tensor.detach().cpu()
    if dtype is not None and tensor.is_floating_point():
        tensor = tensor.to(dtype)
    return tensor.clone(memory_format=torch.contiguous_format)
