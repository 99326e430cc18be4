"""A trained network as an ONNX file: `onnxruntime` runs it, with neither torch nor unveilify."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch.export import Dim
from torch.onnx import OnnxExporterError

from unveilify.apply.graphs import STEP_PX, Graph, graph
from unveilify.apply.needs import check_onnx
from unveilify.core.errors import UserError
from unveilify.core.storage import write_bytes
from unveilify.models import store

SAME = 1e-3
"""The most that a number on -1…1 may differ between torch and the file."""
MOST_PX = 8192


def to_onnx(network_file: Path, out: Path, part: str | None = None) -> float:
    """Write the network of ``network_file``, or a ``part`` of it (`apply.graphs`), to ``out``.

    The number of photos is free, and so is their size where the network serves any. What is taken and given stands in the
    file's metadata, as ``about``.

    Returns:
        The largest difference from torch of what onnxruntime makes of noise, at other numbers and sizes than it was made for.

    Raises:
        UserError: no such network or part, ONNX has no words for it, or what comes out differs from torch by more than `SAME`.
    """
    check_onnx()
    stored = store.load(network_file)
    made = graph(stored, part)
    try:
        data = _translated(made, stored.model)
    except OnnxExporterError:  # what it says is for who writes networks
        raise UserError(f"ONNX has no words for a part of '{stored.model}': share it as .safetensors.") from None
    apart = max(_difference(made, data, batch, side) for batch, side in ((1, made.least), (3, made.least + STEP_PX)))
    if not apart <= SAME:
        raise UserError(
            f"What onnxruntime makes of {network_file} differs from torch by {apart:.2g}: it is not written."
        )
    write_bytes(out, data)
    return apart


@torch.no_grad()
def _translated(made: Graph, model: str) -> bytes:
    # Other lengths than 1, which torch would take for a constant.
    example = made.example(2, made.least + 2 * STEP_PX)
    free = {"batch": Dim("batch", min=1), "references": Dim("references", min=1)}
    if made.least:
        free["side"] = Dim("side", min=made.least, max=MOST_PX)
        cells = Dim("cells", min=made.least // STEP_PX, max=MOST_PX // STEP_PX)
        free[f"side*{STEP_PX}"] = STEP_PX * cells
    shapes = tuple(
        {axis: free[length] for axis, length in enumerate(size) if isinstance(length, str)}
        for size in made.sizes.values()
    )
    module = made.module.eval()
    with _quiet():
        program: Any = torch.onnx.export(
            module,
            tuple(example.values()),
            dynamo=True,
            verbose=False,
            dynamic_shapes=(shapes,),  # its inputs are one list
            input_names=list(example),
            output_names=list(made.outputs),
        )
    proto = program.model_proto
    for key, value in {"model": model, "about": made.about}.items():
        entry = proto.metadata_props.add()
        entry.key, entry.value = key, value
    return bytes(proto.SerializeToString())


@torch.no_grad()
def _difference(made: Graph, data: bytes, batch: int, side: int) -> float:
    import onnxruntime

    inputs = made.example(batch, side)
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    wanted = made.module(*inputs.values())
    found = session.run(list(made.outputs), {name: value.numpy() for name, value in inputs.items()})
    return max(float((torch.from_numpy(b) - a).abs().max()) for a, b in zip(wanted, found, strict=True))


@contextmanager
def _quiet() -> Iterator[None]:
    """The translator speaks of itself; a person is told how far its result is from torch."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "torch.fx", "onnxscript", "onnx_ir", "torch.export")]
    before = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
