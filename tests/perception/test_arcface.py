"""The torch IResNet against onnxruntime, on randomly initialised graphs like InsightFace's `w600k_r50.onnx`."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from unveilify.core.errors import UserError
from unveilify.perception import arcface

SMALL = ((8, 2), (16, 1), (16, 3), (24, 1))


class Graph:
    """Writes an IResNet as InsightFace exports it; ``folded``: batch norms merged into their convolutions."""

    def __init__(self, stages: arcface.Stages, folded: bool, gemm: bool) -> None:
        self.rng = np.random.default_rng(0)
        self.nodes: list[onnx.NodeProto] = []
        self.arrays: list[onnx.TensorProto] = []
        self.folded = folded
        x, inputs = "input.1", stages[0][0]
        x = self.prelu(self.conv(x, 3, inputs, 3, 1), inputs)
        for outputs, count in stages:
            for i in range(count):
                stride = 1 if i else 2
                deep = self.prelu(self.conv(self.norm(x, inputs), inputs, outputs, 3, 1), outputs)
                deep = self.conv(deep, outputs, outputs, 3, stride)
                short = x if i else self.conv(x, inputs, outputs, 1, stride)
                x, inputs = self.node("Add", [deep, short]), outputs
        x = self.node("Flatten", [self.norm(x, inputs)], axis=1)
        matrix = self.array(512, inputs * 49, scale=(inputs * 49) ** -0.5)
        if gemm:
            x = self.node("Gemm", [x, matrix, self.array(512)], transB=1)
        else:
            transposed = numpy_helper.to_array(self.arrays[-1]).T
            x = self.node("MatMul", [x, self.array(*transposed.shape, value=transposed)])
            x = self.node("Add", [self.array(512), x])
        self.out = self.norm(x, 512)

    def save(self, path: Path) -> None:
        batch = ["None", 3, 112, 112]
        graph = helper.make_graph(
            self.nodes,
            "iresnet",
            [helper.make_tensor_value_info("input.1", TensorProto.FLOAT, batch)],
            [helper.make_tensor_value_info(self.out, TensorProto.FLOAT, ["None", 512])],
            self.arrays,
        )
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8), str(path))

    def node(self, kind: str, inputs: list[str], **attributes: object) -> str:
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def array(self, *shape: int, scale: float = 0.3, shift: float = 0.0, value: np.ndarray | None = None) -> str:
        name = f"w{len(self.arrays)}"
        drawn = self.rng.standard_normal(shape) * scale + shift if value is None else value
        self.arrays.append(numpy_helper.from_array(drawn.astype(np.float32), name))
        return name

    def conv(self, x: str, inputs: int, outputs: int, kernel: int, stride: int) -> str:
        names = [x, self.array(outputs, inputs, kernel, kernel, scale=(inputs * kernel**2) ** -0.5)]
        names += [self.array(outputs)] if self.folded else []
        pads = [kernel // 2] * 4
        y = self.node("Conv", names, kernel_shape=[kernel, kernel], strides=[stride, stride], pads=pads)
        return y if self.folded else self.norm(y, outputs)

    def norm(self, x: str, channels: int) -> str:
        names = [self.array(channels, scale=0.1, shift=shift) for shift in (1.0, 0.0, 0.0)]
        variance = self.array(channels, value=self.rng.uniform(0.5, 2.0, channels))
        return self.node("BatchNormalization", [x, *names, variance], epsilon=2e-5)

    def prelu(self, x: str, channels: int) -> str:
        return self.node("PRelu", [x, self.array(channels, 1, 1, scale=0.05, shift=0.25)])


@pytest.mark.parametrize(("folded", "gemm"), [(True, True), (False, True), (True, False)])
def test_agrees_with_onnxruntime(tmp_path: Path, folded: bool, gemm: bool):
    Graph(SMALL, folded, gemm).save(tmp_path / "n.onnx")
    compare(tmp_path / "n.onnx", SMALL)


@pytest.mark.long
def test_agrees_with_onnxruntime_at_full_size(tmp_path: Path):
    Graph(arcface.STAGES, True, True).save(tmp_path / "n.onnx")
    compare(tmp_path / "n.onnx", arcface.STAGES)


def compare(path: Path, stages: arcface.Stages) -> None:
    faces = np.random.default_rng(1).uniform(-1, 1, (2, 3, 112, 112)).astype(np.float32)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    wanted = torch.from_numpy(session.run(None, {"input.1": faces})[0])
    network = arcface.from_onnx(path, stages)
    pixels = torch.from_numpy(faces).requires_grad_(True)
    found = network(pixels)
    torch.testing.assert_close(found.detach(), wanted, atol=1e-4 * float(wanted.abs().max()), rtol=1e-3)
    found.sum().backward()
    assert pixels.grad is not None
    assert pixels.grad.isfinite().all()
    assert pixels.grad.any()


def test_is_as_large_as_iresnet50():
    with torch.device("meta"):
        assert 43.4e6 < sum(p.numel() for p in arcface.IResNet50().parameters()) < 43.8e6


@pytest.mark.parametrize("what", ["text", "another depth", "nothing"])
def test_other_files_are_refused(tmp_path: Path, what: str):
    path = tmp_path / "n.onnx"
    if what == "text":
        path.write_text("not a network")
    if what == "another depth":
        Graph(((8, 1),), True, True).save(path)
    with pytest.raises(UserError, match=r"n\.onnx"):
        arcface.from_onnx(path, SMALL)
