"""The mask finder in the package: `unveilify find` says where a mask is, or that none is worn."""

from pathlib import Path

import numpy as np
import pytest
from command_line import say
from numpy.typing import NDArray
from PIL import Image as Pillow

from unveilify import weights
from unveilify.core.found import SOLID, agreement
from unveilify.faces.find import Finder
from unveilify.masks.choose import choose
from unveilify.masks.compose import compose
from unveilify.masks.config import MaskConfig
from unveilify.masks.draw import draw
from unveilify.models import store

RGB = NDArray[np.uint8]


def test_it_is_whole_small_and_has_a_card() -> None:
    path = weights.fetch(weights.FINDER)
    assert path.stat().st_size == weights.entry(weights.FINDER).bytes < 2_500_000
    stored = store.load(path)
    assert stored.model == "find"
    assert sum(p.numel() for p in stored.network.parameters()) <= 1_000_000
    card = (path.parent / f"{weights.FINDER}.md").read_text()
    for word in ("FairFace", "London", "senators", "licence", "nobody was asked", "RMFRD"):
        assert word in card


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory, astronaut: RGB) -> Path:
    """bare.png, and masked-0.png … with their true alpha beside them, as .npy."""
    folder = tmp_path_factory.mktemp("photos")
    Pillow.fromarray(astronaut).save(folder / "bare.png")
    face = Finder().find(astronaut)[0]
    for number, style in enumerate(("surgical", "cloth", "kn95")):
        recipe = choose(MaskConfig(styles={style: 1.0}, wears={"proper": 1.0}), 0, style)
        overlay = draw(astronaut, face.landmarks, recipe)
        Pillow.fromarray(compose(astronaut, overlay)).save(folder / f"masked-{number}.png")
        np.save(folder / f"masked-{number}.npy", overlay.alpha)
    return folder


def test_masks_are_found_and_bare_faces_left_alone(photos: Path, astronaut: RGB) -> None:
    names = ["bare", "masked-0", "masked-1", "masked-2"]
    done = say("find", *(f"{name}.png" for name in names), "-o", "holes", cwd=photos)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert ["no mask is worn" in line for line in lines] == [True, False, False, False]
    for name in names:
        hole = np.asarray(Pillow.open(photos / "holes" / f"{name}.png"))
        assert hole.shape == astronaut.shape[:2]
        assert hole.dtype == np.uint8
        if name == "bare":
            assert not hole.any()
        else:
            overlap, _ = agreement(hole > 127, np.load(photos / f"{name}.npy") > SOLID * 255)
            assert overlap > 0.8


def test_a_photo_that_cannot_be_used_is_named(photos: Path) -> None:
    Pillow.fromarray(np.full((80, 80, 3), 90, np.uint8)).save(photos / "empty.png")
    done = say("find", "empty.png", "masked-0.png", "-o", "some", cwd=photos)
    assert done.returncode == 1
    assert "empty.png is left out" in done.stdout
    assert (photos / "some" / "masked-0.png").is_file()
    assert not (photos / "some" / "empty.png").exists()
    alone = say("find", "empty.png", "-o", "alone.png", cwd=photos)
    assert alone.returncode == 2
    assert "no face" in alone.stderr
    assert "Traceback" not in alone.stderr
