"""Tensors and what is said of them in one safetensors file with a digest over both: loading runs nothing.

Safetensors itself carries no checksum: a flipped bit is another number.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from unveilify.core.errors import UserError, why
from unveilify.core.storage import canonical_json, from_json, writing

_KEY = "unveilify"


class DamagedError(ValueError):
    """Not such a file, not whole, or not what was written; the reason in a few words."""


def write(path: Path, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
    """Write one whole file or none; equal input is equal bytes.

    Raises:
        UserError: no room, or no right to write there.
    """
    told = {**about, "sha256": _digest(tensors, about)}
    try:
        with writing(path) as temporary:
            save_file(dict(tensors), str(temporary), metadata={_KEY: canonical_json(told).decode()})
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path} cannot be written ({why(error)}): make room there, or give another folder.") from None


def read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """What `write` was given.

    Raises:
        DamagedError: see there.
    """
    try:
        with safe_open(str(path), framework="pt") as file:
            about = from_json((file.metadata() or {})[_KEY])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
        stated = about.pop("sha256", None)
        # Files of earlier versions have a digest of the tensors alone.
        whole = stated == _digest(tensors, about) if stated else about["digest"] == _digest(tensors)
    except (KeyError, TypeError, AttributeError):  # what is said of them is no mapping
        raise DamagedError("it was not written by unveilify") from None
    except (SafetensorError, ValueError, OSError) as error:
        raise DamagedError(" ".join(str(error).split())[:200]) from None
    if not whole:
        raise DamagedError("its digest differs")
    return about, tensors


def not_finite(tensors: Mapping[str, Tensor]) -> str | None:
    """The name of the first tensor that holds NaN or an infinity, if any does."""
    floats = {name: tensor for name, tensor in tensors.items() if tensor.is_floating_point()}
    return next((name for name, tensor in floats.items() if not bool(tensor.isfinite().all())), None)


def _digest(tensors: Mapping[str, Tensor], about: Mapping[str, Any] | None = None) -> str:
    """SHA-256 over names, types, shapes and bytes, and over what is said of them."""
    total = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        total.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        total.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    if about is not None:
        total.update(canonical_json(about))
    return total.hexdigest()
