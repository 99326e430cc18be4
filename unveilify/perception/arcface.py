"""ArcFace (Deng et al. 2019) as a differentiable torch network, from InsightFace's ONNX file.

InsightFace publishes its IResNet-50 (`w600k_r50.onnx`) for inference only. Its graph is walked once: every
initialiser goes into the torch layer of the same place, so that the loss can send gradients through it. Two
things in which exports differ are read off the graph and not assumed: batch norms that the exporter folded
into the convolution before them (an identity takes their place), and how the last layer stores its matrix.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from unveilify.core.errors import UserError

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto

Stages = tuple[tuple[int, int], ...]

STAGES: Stages = ((64, 3), (128, 4), (256, 14), (512, 3))
"""Channels and number of units of IResNet-50."""

MEAN, STD = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)
"""Pictures in [0, 1] become [-1, 1]. (InsightFace divides by 127.5, `ArcFaceONNX`.)"""

Arrays = dict[str, npt.NDArray[np.float32]]


class Unit(nn.Module):
    """Norm, conv, norm, PReLU, strided conv, norm; added to the input or to its strided 1×1 convolution."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, 1, 1)
        self.prelu = nn.PReLU(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, stride, 1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride) if stride != 1 or inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, R, R) -> (N, outputs, R/stride, R/stride)."""
        deep: Tensor = self.conv2(self.prelu(self.conv1(self.bn1(x))))
        short: Tensor = self.shortcut(x)
        return deep + short


class IResNet50(nn.Module):
    """(N, 3, 112, 112) RGB in [-1, 1] -> (N, 512), not of unit length.

    Batch norms that follow a convolution are part of that convolution (they are affine maps at inference),
    whether the exporter folded them or not.
    """

    def __init__(self, stages: Stages = STAGES) -> None:
        super().__init__()
        inputs = stages[0][0]
        self.conv1 = nn.Conv2d(3, inputs, 3, 1, 1)
        self.prelu = nn.PReLU(inputs)
        units: list[nn.Module] = []
        for outputs, count in stages:
            for i in range(count):
                units.append(Unit(inputs, outputs, 1 if i else 2))
                inputs = outputs
        self.units = nn.Sequential(*units)
        self.bn2 = nn.BatchNorm2d(inputs)
        self.fc = nn.Linear(inputs * 7 * 7, 512)

    def forward(self, x: Tensor) -> Tensor:
        """Embed aligned faces."""
        x = self.bn2(self.units(self.prelu(self.conv1(x))))
        vectors: Tensor = self.fc(x.flatten(1))
        return vectors


def from_onnx(path: Path, stages: Stages = STAGES) -> IResNet50:
    """The torch network with the weights of an IResNet in ONNX, in evaluation mode.

    Raises:
        UserError: unreadable, or a graph of another network.
    """
    import onnx

    try:
        graph = onnx.load(str(path)).graph
        network = IResNet50(stages).eval()
        _fill(network, graph)
    except (StopIteration, KeyError, IndexError, ValueError, RuntimeError, TypeError, OSError) as error:
        raise UserError(f"{path} is not the ONNX of an IResNet-50 ({type(error).__name__}: {error}).") from None
    except Exception as error:
        # protobuf's own type for a file that is no ONNX at all.
        raise UserError(f"{path} cannot be read as ONNX ({type(error).__name__}): fetch it again.") from None
    return network


def _fill(network: IResNet50, graph: "GraphProto") -> None:
    from onnx import numpy_helper

    arrays = {t.name: np.asarray(numpy_helper.to_array(t), np.float32) for t in graph.initializer}
    by_input: dict[str, list[NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            by_input.setdefault(name, []).append(node)
    walk = _Walk(arrays, by_input, graph.input[0].name)
    walk.conv(network.conv1)
    walk.prelu(network.prelu)
    for unit in network.units:
        assert isinstance(unit, Unit)
        start = walk.at
        walk.norm(unit.bn1)
        walk.conv(unit.conv1)
        walk.prelu(unit.prelu)
        walk.conv(unit.conv2)
        deep = walk.at
        if isinstance(unit.shortcut, nn.Conv2d):
            walk.at = start
            walk.conv(unit.shortcut)
        walk.at = deep
        walk.step("Add")
    walk.norm(network.bn2)
    walk.linear(network.fc)


class _Walk:
    """Follows the graph from its input, taking the next node of the type that the architecture expects."""

    def __init__(self, arrays: Arrays, by_input: dict[str, list["NodeProto"]], start: str) -> None:
        self._arrays, self._by_input, self.at = arrays, by_input, start

    def step(self, *kinds: str) -> "NodeProto":
        node = next(n for n in self._by_input.get(self.at, []) if n.op_type in kinds)
        self.at = node.output[0]
        return node

    def peek(self, kind: str) -> bool:
        return any(n.op_type == kind for n in self._by_input.get(self.at, []))

    def conv(self, layer: nn.Conv2d) -> None:
        """A convolution, and the batch norm after it if there is still one, as one affine map."""
        kernel = tuple(layer.weight.shape[2:])
        node = next(n for n in self._by_input[self.at] if n.op_type == "Conv" and self._kernel(n) == kernel)
        weight = self._arrays[node.input[1]]
        bias = self._arrays[node.input[2]] if len(node.input) > 2 else np.zeros(len(weight), np.float32)
        self.at = node.output[0]
        if self.peek("BatchNormalization"):
            norm = self.step("BatchNormalization")
            gamma, beta, mean, var = (self._arrays[name] for name in norm.input[1:5])
            scale = gamma / np.sqrt(var + _attribute(norm, "epsilon", 1e-5))
            weight, bias = weight * scale[:, None, None, None], (bias - mean) * scale + beta
        _put(layer.weight, weight)
        assert layer.bias is not None
        _put(layer.bias, bias)

    def norm(self, layer: nn.BatchNorm2d) -> None:
        node = self.step("BatchNormalization")
        gamma, beta, mean, var = (self._arrays[name] for name in node.input[1:5])
        assert layer.running_mean is not None
        assert layer.running_var is not None
        for target, source in ((layer.weight, gamma), (layer.bias, beta), (layer.running_mean, mean)):
            _put(target, source)
        _put(layer.running_var, var)
        layer.eps = _attribute(node, "epsilon", 1e-5)

    def prelu(self, layer: nn.PReLU) -> None:
        _put(layer.weight, self._arrays[self.step("PRelu").input[1]].reshape(-1))

    def linear(self, layer: nn.Linear) -> None:
        """The last matrix (Gemm or MatMul + Add), and the batch norm after it, as one affine map."""
        for node in self._skip("Flatten", "Reshape", "Dropout", "Identity"):
            self.at = node.output[0]
        node = self.step("Gemm", "MatMul")
        weight = self._arrays[node.input[1]]
        if node.op_type == "MatMul" or not int(_attribute(node, "transB", 0)):
            weight = weight.T
        bias = np.zeros(len(weight), np.float32)
        if node.op_type == "Gemm" and len(node.input) > 2:
            bias = self._arrays[node.input[2]]
        elif node.op_type == "MatMul" and self.peek("Add"):
            add = self.step("Add")
            bias = next(self._arrays[name] for name in add.input if name in self._arrays)
        for reshaped in self._skip("Unsqueeze", "Reshape", "Identity"):
            self.at = reshaped.output[0]
        if self.peek("BatchNormalization"):
            norm = self.step("BatchNormalization")
            gamma, beta, mean, var = (self._arrays[name] for name in norm.input[1:5])
            scale = gamma / np.sqrt(var + _attribute(norm, "epsilon", 1e-5))
            weight, bias = weight * scale[:, None], (bias - mean) * scale + beta
        _put(layer.weight, weight)
        _put(layer.bias, bias)

    def _skip(self, *kinds: str) -> Iterator["NodeProto"]:
        while True:
            nodes = [n for n in self._by_input.get(self.at, []) if n.op_type in kinds]
            if not nodes:
                return
            yield nodes[0]

    def _kernel(self, node: "NodeProto") -> tuple[int, ...]:
        return tuple(self._arrays[node.input[1]].shape[2:])


def _attribute(node: "NodeProto", name: str, default: float) -> float:
    for attribute in node.attribute:
        if attribute.name == name:
            return float(attribute.i) if attribute.type == 2 else float(attribute.f)
    return default


def _put(target: Tensor, source: npt.NDArray[np.float32]) -> None:
    if tuple(target.shape) != source.shape:
        raise ValueError(f"shape {source.shape} where {tuple(target.shape)} belongs")
    with torch.no_grad():
        target.copy_(torch.from_numpy(np.array(source, np.float32)))
