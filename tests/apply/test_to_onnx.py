"""Networks as ONNX files, which onnxruntime runs as torch does."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image as Pillow

from unveilify.apply import graphs
from unveilify.apply.to_onnx import SAME, to_onnx
from unveilify.core.errors import UserError
from unveilify.core.pictures import encode_png, read
from unveilify.models import store
from unveilify.models.contract import Batch, plugin
from unveilify.models.zoo import find, plus

EXAMPLE = Path(__file__).parents[2] / "examples/run_onnx.py"
ALONE = """
import runpy, sys

sys.modules |= {"torch": None, "unveilify": None}
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def saved(folder: Path, model: str, **shape: float) -> Path:
    torch.manual_seed(0)
    config = plugin(model).Config(**shape)  # type: ignore[arg-type]
    store.save(folder / "best.safetensors", model, config, plugin(model).Network(config).state_dict())
    return folder / "best.safetensors"


def run(path: Path, **given: torch.Tensor) -> dict[str, torch.Tensor]:
    session = onnxruntime.InferenceSession(path)
    names = [output.name for output in session.get_outputs()]
    found = session.run(names, {name: value.numpy() for name, value in given.items()})
    return {name: torch.from_numpy(value) for name, value in zip(names, found, strict=True)}


@torch.no_grad()
def test_any_number_of_photos_and_references(small_network: Path, small_onnx: Path) -> None:
    network = store.load(small_network).network
    for batch, references in ((1, 1), (2, 5), (4, 3)):
        masked, identity = torch.rand(batch, 3, 32, 32) * 2 - 1, torch.rand(batch, references, 3, 32, 32) * 2 - 1
        real = torch.randint(0, references + 1, (batch,))
        found = run(small_onnx, masked=masked, identity=identity, real=real)["image"]
        wanted = network(Batch(masked, identity, real, torch.zeros(batch, 1, 32, 32))).clamped
        assert (found - wanted).abs().max() < SAME


def test_it_says_what_it_takes_and_gives(small_onnx: Path) -> None:
    proto = onnx.load(small_onnx)
    onnx.checker.check_model(proto)
    assert proto.opset_import[0].version >= 18
    told = {entry.key: entry.value for entry in proto.metadata_props}
    assert told["model"] == "unveilify"
    assert "RGB face crops of 32 x 32 px" in told["about"]


@torch.no_grad()
def test_the_mask_finder_takes_any_side(tmp_path: Path) -> None:
    """Smaller than where it looks, larger than where its filter works, odd: one graph."""
    path = saved(tmp_path, "find", width=0.25)
    assert to_onnx(path, tmp_path / "find.onnx") < SAME
    network = store.load(path).network
    assert isinstance(network, find.Network)
    for batch, side in ((1, 256), (2, 257), (1, 600)):
        masked = torch.nn.functional.interpolate(torch.rand(batch, 3, 9, 9), size=(side, side), mode="bilinear") * 2 - 1
        wanted = network.sharpened(network.look(masked), masked)
        assert 0 < wanted.mean() < 1
        assert (run(tmp_path / "find.onnx", masked=masked)["alpha"] - wanted).abs().max() < SAME


@torch.no_grad()
def test_of_plus_the_painter_can_be_had(tmp_path: Path) -> None:
    path = saved(tmp_path, "plus", size_px=32, width=0.1)
    assert to_onnx(path, tmp_path / "paint.onnx", graphs.PAINT) < SAME
    network = store.load(path).network
    assert isinstance(network, plus.Network)
    made = graphs.graph(store.load(path), graphs.PAINT)
    given = made.example(3, 96)
    wanted = network.painter(torch.cat(list(given.values()), 1))
    for name, value in run(tmp_path / "paint.onnx", **given).items():
        assert (value - getattr(wanted, name)).abs().max() < SAME


@pytest.mark.parametrize(
    ("model", "part", "said"),
    [
        ("plus", None, "no single graph.* --part find or --part paint"),
        ("place", None, "no single graph.* --part find"),
        ("place", "paint", "no part 'paint' to be had alone; there are: find"),
    ],
)
def test_what_is_no_graph_is_said(tmp_path: Path, model: str, part: str | None, said: str) -> None:
    with pytest.raises(UserError, match=said):
        to_onnx(saved(tmp_path, model, size_px=32), tmp_path / "x.onnx", part)
    assert not (tmp_path / "x.onnx").exists()


def test_what_differs_is_not_written(small_network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unveilify.apply.to_onnx._translated", lambda *_: b"")
    monkeypatch.setattr("unveilify.apply.to_onnx._difference", lambda *_: float("nan"))
    with pytest.raises(UserError, match="differs from torch"):
        to_onnx(small_network, tmp_path / "x.onnx")
    assert not (tmp_path / "x.onnx").exists()


def test_what_onnx_has_no_words_for_is_a_sentence(
    small_network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def export(*_: object, **__: object) -> None:
        raise torch.onnx.OnnxExporterError("pages of it")

    monkeypatch.setattr("torch.onnx.export", export)
    with pytest.raises(UserError, match="no words for a part of 'unveilify'"):
        to_onnx(small_network, tmp_path / "x.onnx")


def test_the_example_needs_neither_torch_nor_us(
    small_network: Path, small_onnx: Path, astronaut: NDArray[np.uint8], tmp_path: Path
) -> None:
    face = tmp_path / "face.png"
    face.write_bytes(encode_png(np.asarray(Pillow.fromarray(astronaut[20:220, 120:320]).resize((32, 32)))))
    words = [
        sys.executable,
        "-c",
        ALONE,
        str(EXAMPLE),
        str(small_onnx),
        str(face),
        str(face),
        str(tmp_path / "out.png"),
    ]
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    picture = torch.from_numpy(read(face)).permute(2, 0, 1)[None] / 127.5 - 1
    batch = Batch(picture, picture[:, None], torch.ones(1, dtype=torch.int64), torch.zeros(1, 1, 32, 32))
    with torch.no_grad():
        wanted = store.load(small_network).network(batch).pictures[0]
    assert np.abs(read(tmp_path / "out.png").astype(int) - wanted).max() <= 1


@pytest.mark.long
@pytest.mark.parametrize("model", ["dmfn", "din", "mask2face", "refface"])
def test_rivals(tmp_path: Path, model: str) -> None:
    assert to_onnx(saved(tmp_path, model, size_px=32, width=0.25), tmp_path / "x.onnx") < SAME
