"""What of a network can be said in ONNX, and what each such graph takes and gives.

Most networks are one graph, from pictures to a picture. Those that lay faces by their meshes (`place`, `plus`) are not: between
what is learned in them stand drawn triangles and patches that are looked for, which are programs and no graphs. Of these the
learned parts can be had one by one: ``find``, where the mask is, and, of `plus`, ``paint``, what becomes of placed pictures.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial

import torch
from torch import Tensor, nn

from unveilify.core.errors import UserError
from unveilify.models.contract import Batch, Output, plugin
from unveilify.models.layers.guided import WORK_PX
from unveilify.models.store import Stored
from unveilify.models.zoo.find import Network as Finder
from unveilify.models.zoo.plus import Fields, Painter

Sizes = dict[str, tuple[int | str, ...]]
WHOLE, FIND, PAINT = "whole", "find", "paint"
STEP_PX = 32
"""The painter halves its side so often that it must be a multiple of this."""


@dataclass(frozen=True)
class Graph:
    """``module`` takes tensors named as in ``sizes``, which say of every axis its length or its name, and gives ``outputs``.

    A name with a number behind it, as ``side*32``, is a multiple of that. ``least`` is the smallest side that it takes, where it
    takes any. ``about`` says in a sentence what is taken and given.
    """

    module: nn.Module
    sizes: Sizes
    outputs: tuple[str, ...]
    about: str
    least: int = 0

    def example(self, batch: int, side: int) -> dict[str, Tensor]:
        """Random inputs for that many photos; ``side`` where any will do, in pixels."""
        noise = torch.Generator().manual_seed(batch)
        lengths = {"batch": batch, "references": batch, "side": side, f"side*{STEP_PX}": side}

        def made(name: str, size: tuple[int | str, ...]) -> Tensor:
            shape = [length if isinstance(length, int) else lengths[length] for length in size]
            if name == "real":
                return torch.randint(0, batch + 1, shape, generator=noise)
            values = torch.rand(shape, generator=noise)
            return values if name in SHARES else 2 * values - 1

        return {name: made(name, size) for name, size in self.sizes.items()}


SHARES = {"hole", "trust", "share"}
"""Inputs on 0…1; pictures, and normals, are on -1…1."""


def graph(stored: Stored, part: str | None) -> Graph:
    """The graph of a network, or of a part of it.

    Raises:
        UserError: it has no such part, or is no single graph and no part is named.
    """
    there = _parts(stored)
    if not there:
        raise UserError(f"'{stored.model}' computes with numbers outside of the network, which ONNX has no words for.")
    names = ", ".join(there)
    if part is None and WHOLE not in there:
        raise UserError(
            f"'{stored.model}' is no single graph: it draws meshes and looks for patches, which ONNX has no words for. "
            f"What is learned in it can be had alone: --part {' or --part '.join(there)}."
        )
    if (part or WHOLE) not in there:
        raise UserError(f"'{stored.model}' has no part '{part}' to be had alone; there are: {names}.")
    return there[part or WHOLE]()


def _parts(stored: Stored) -> dict[str, Callable[[], Graph]]:
    network = stored.network
    if isinstance(network, Finder):
        return {WHOLE: lambda: _find(network), FIND: lambda: _find(network)}
    if not getattr(network, "needs_values", False):
        return {WHOLE: lambda: _whole(stored)}
    made = {FIND: (_find, "finder"), PAINT: (_paint, "painter")}
    return {part: partial(how, getattr(network, name)) for part, (how, name) in made.items() if hasattr(network, name)}


class _Called(nn.Module):
    """A function of a network and of tensors that are told apart by their order, as graphs do, and in it by their names."""

    def __init__(self, network: nn.Module, names: tuple[str, ...], call: Callable[..., tuple[Tensor, ...]]) -> None:
        super().__init__()
        self.network, self.names, self.call = network, names, call

    def forward(self, *given: Tensor) -> tuple[Tensor, ...]:
        return self.call(self.network, **dict(zip(self.names, given, strict=True)))


def _whole(stored: Stored) -> Graph:
    side = stored.config.size_px
    sizes: Sizes = {"masked": ("batch", 3, side, side)}
    about = f"masked: RGB face crops of {side} x {side} px, -1...1"
    if stored.config.uses_identity:
        sizes |= {"identity": ("batch", "references", 3, side, side), "real": ("batch",)}
        about += "; identity: crops of other photos of the person; real: how many of these count, 0 for none"
    if plugin(stored.model).USES_HOLE:
        sizes["hole"] = ("batch", 1, side, side)
        about += "; hole: 1 where the mask is, else 0"
    module = _Called(stored.network, tuple(sizes), _picture)
    return Graph(module, sizes, ("image",), f"{about} -> image: without the mask, -1...1")


def _picture(
    network: nn.Module,
    masked: Tensor,
    identity: Tensor | None = None,
    real: Tensor | None = None,
    hole: Tensor | None = None,
) -> tuple[Tensor, ...]:
    batch = Batch(
        masked=masked,
        identity=torch.zeros_like(masked[:, None]) if identity is None else identity,
        real=torch.zeros_like(masked[:, 0, 0, 0], dtype=torch.int64) if real is None else real,
        hole=torch.zeros_like(masked[:, :1]) if hole is None else hole,
    )
    output: Output = network(batch)
    return (output.clamped,)


def _find(finder: nn.Module) -> Graph:
    about = f"masked: RGB face crops, square, at least {WORK_PX} px, -1...1 -> alpha: where the mask is, 0...1"
    sizes: Sizes = {"masked": ("batch", 3, "side", "side")}
    return Graph(_Called(finder, tuple(sizes), _alpha), sizes, ("alpha",), about, least=WORK_PX)


def _alpha(finder: Finder, masked: Tensor) -> tuple[Tensor, ...]:
    return (finder.sharpened(finder.look(masked), masked),)


def _paint(painter: nn.Module) -> Graph:
    side = f"side*{STEP_PX}"
    channels = {"under": 3, "behind": 3, "share": 1, "trust": 1, "hole": 1, "normals": 3}
    about = (
        "under: the face's window with its hole filled, -1...1; behind: the same as if there were no face; share and trust: how "
        "far the face covers it and is believed; hole: 1 where the mask was; normals of the face's mesh "
        "-> flow of the face in half sides, gain and bias of its colours, paint: a change of the colours of all"
    )
    sizes: Sizes = {name: ("batch", count, side, side) for name, count in channels.items()}
    outputs = tuple(part.name for part in fields(Fields))
    return Graph(_Called(painter, tuple(sizes), _fields), sizes, outputs, about, least=2 * STEP_PX)


def _fields(painter: Painter, **seen: Tensor) -> tuple[Tensor, ...]:
    said = painter(torch.cat(list(seen.values()), 1))
    return tuple(getattr(said, part.name) for part in fields(Fields))
