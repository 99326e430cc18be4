"""One file per network: whole, verified, equal for equal input."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from unveilify.core.errors import UserError
from unveilify.models import store
from unveilify.models import tensors as files
from unveilify.models.zoo.mean import Config, Network


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    network = Network(Config(size_px=32))
    network.face.copy_(torch.rand(3, 32, 32))
    path = tmp_path / "mean.safetensors"
    store.save(path, "mean", Config(size_px=32), network.state_dict(), meta={"seen": 12})
    return path


def test_meta_travels_and_equal_input_is_equal_bytes(saved: Path, tmp_path: Path):
    stored = store.load(saved)
    assert stored.meta == {"seen": 12}
    store.save(tmp_path / "again", "mean", stored.config, stored.network.state_dict(), meta=stored.meta)
    assert (tmp_path / "again").read_bytes() == saved.read_bytes()


def test_half_precision_is_read_as_float32(saved: Path, tmp_path: Path):
    stored = store.load(saved)
    store.save(tmp_path / "half", "mean", stored.config, stored.network.state_dict(), dtype=torch.float16)
    assert (tmp_path / "half").stat().st_size < 0.6 * saved.stat().st_size
    assert store.load(tmp_path / "half").network.face.dtype == torch.float32


@pytest.mark.parametrize("where", [0.2, 0.5, 0.999])
def test_a_flipped_byte_is_noticed(saved: Path, where: float):
    data = bytearray(saved.read_bytes())
    data[int(len(data) * where)] ^= 1
    saved.write_bytes(data)
    with pytest.raises(UserError, match=r"damaged|whole"):
        store.load(saved)


def test_a_cut_file_is_noticed(saved: Path):
    saved.write_bytes(saved.read_bytes()[:-100])
    with pytest.raises(UserError, match="not a whole network file"):
        store.load(saved)


def test_foreign_and_missing_files_are_refused(tmp_path: Path):
    save_file({"a": torch.zeros(2)}, str(tmp_path / "other.safetensors"))
    for name in ("other.safetensors", "nothing.safetensors"):
        with pytest.raises(UserError):
            store.load(tmp_path / name)


def test_a_network_of_another_shape_is_refused(tmp_path: Path):
    store.save(tmp_path / "n", "mean", Config(size_px=64), {"face": torch.zeros(3, 32, 32)})
    with pytest.raises(UserError, match="does not fit"):
        store.load(tmp_path / "n")


@pytest.mark.parametrize(
    "change",
    [
        {"model": "../x"},
        {"model": ["mean"]},
        {"model": None},
        {"config": None},
        {"config": [32]},
        {"config": {"size_px": 1e9}},
        {"config": {"side": 3}},
        {"meta": "words"},
        {"meta": None},
    ],
    ids=str,
)
def test_a_file_that_says_odd_things_of_itself_is_one_sentence(saved: Path, change: dict[str, Any]) -> None:
    about, tensors = files.read(saved)
    files.write(saved, tensors, about | change)
    with pytest.raises(UserError, match=saved.name):
        store.load(saved)


def test_whole_numbers_are_no_weights(saved: Path) -> None:
    about, tensors = files.read(saved)
    files.write(saved, {name: (100 * tensor).to(torch.int8) for name, tensor in tensors.items()}, about)
    with pytest.raises(UserError, match="does not fit"):
        store.load(saved)


def test_a_network_that_its_tensors_do_not_fill_is_never_built(tmp_path: Path) -> None:
    import json

    from safetensors import safe_open
    from safetensors.torch import save_file

    from unveilify.core.errors import UserError
    from unveilify.models import store
    from unveilify.models.contract import plugin

    module = plugin("din")
    small = module.Config(size_px=32)
    path = tmp_path / "a.safetensors"
    store.save(path, "din", small, module.Network(small).state_dict())
    with safe_open(str(path), framework="pt") as file:
        told, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    about = json.loads(told["unveilify"])
    widest = next(name for name in about["config"] if "width" in name or "channels" in name)
    about["config"][widest] = 1_000_000
    save_file(tensors, str(path), metadata={"unveilify": json.dumps(about)})
    with pytest.raises(UserError):
        store.load(path)
