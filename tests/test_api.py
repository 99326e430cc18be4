"""What `import unveilify` offers."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow
from torch.utils.data import DataLoader

import unveilify
from unveilify.core.errors import UserError
from unveilify.core.pictures import encode_png, to_image
from unveilify.shards.reader import ShardSet


def test_the_import_is_quick_and_loads_nothing() -> None:
    code = "import sys; before = set(sys.modules); import unveilify; print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names = {name.partition(".")[0] for name in done.stdout.split()}
    assert names - set(sys.stdlib_module_names) == {"unveilify"}


def test_every_public_name_is_there_and_documented() -> None:
    for name in unveilify.__all__:
        assert getattr(unveilify, name).__doc__
    with pytest.raises(AttributeError, match="there are Unmasker"):
        _ = unveilify.unmask_everybody


def test_pictures_come_as_arrays_pillow_pictures_or_files(astronaut: np.ndarray, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encode_png(astronaut))
    for picture in (astronaut, Pillow.fromarray(astronaut), tmp_path / "a.png", str(tmp_path / "a.png")):
        assert np.array_equal(to_image(picture), astronaut)
    with pytest.raises(UserError, match="convert it first"):
        to_image(astronaut / 255)


def test_a_mask_is_drawn_found_and_taken_off(astronaut: np.ndarray) -> None:
    (face,) = unveilify.find_faces(astronaut)
    assert len(face.landmarks.points) == 468
    masked = unveilify.draw_mask(astronaut, style="surgical")
    assert np.array_equal(masked.image[masked.alpha == 0], astronaut[masked.alpha == 0])
    assert np.array_equal(masked.image, unveilify.draw_mask(astronaut, style="surgical").image)
    unmasker = unveilify.Unmasker.load(device="cpu")
    removal = unmasker.remove(masked.image, identity=[astronaut])
    assert removal.worn
    away, before = (np.abs(x.astype(float) - astronaut)[masked.alpha > 0].mean() for x in (removal.image, masked.image))
    assert away < before / 2
    known = unmasker.know([astronaut])
    assert np.array_equal(unmasker.remove(masked.image, known).image, removal.image)


def test_what_cannot_be_done_is_one_sentence(astronaut: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(unveilify.UserError, match="no face"):
        unveilify.draw_mask(np.zeros_like(astronaut))
    with pytest.raises(unveilify.UserError, match="did you mean 'surgical'"):
        unveilify.draw_mask(astronaut, style="surgica")
    with pytest.raises(unveilify.UserError, match="unveilify train"):
        unveilify.Unmasker.load(tmp_path)
    with pytest.raises(unveilify.UserError, match="unveilify shard"):
        unveilify.open_shards(tmp_path)


def test_shards_are_a_torch_dataset(small_shards: Path) -> None:
    data = unveilify.open_shards(small_shards, "train", size_px=16)
    split = ShardSet.open(small_shards).split("train")
    assert len(data) == len(split)
    batch = next(iter(DataLoader(data, batch_size=4)))
    assert batch["masked"].shape == (4, 3, 16, 16)
    assert batch["key"] == [split.key(i) for i in range(4)]
    assert batch["person"] == [split.identity(i) for i in range(4)]
    stored = unveilify.open_shards(small_shards)[1]
    truth = torch.from_numpy(split.read(1).unmasked).permute(2, 0, 1).float() / 127.5 - 1
    assert torch.equal(stored["unmasked"], truth)
    assert stored["hole"].min() >= 0
    assert stored["hole"].max() <= 1
    with pytest.raises(IndexError):
        data[len(data)]
