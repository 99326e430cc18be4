"""The network in the package: `unveilify remove` takes a mask off right after installation."""

from pathlib import Path

import numpy as np
import pytest
from command_line import say
from numpy.typing import NDArray
from PIL import Image as Pillow

from unveilify import weights
from unveilify.core.pictures import read
from unveilify.faces.find import Finder
from unveilify.masks.choose import choose
from unveilify.masks.compose import compose
from unveilify.masks.config import MaskConfig
from unveilify.masks.draw import draw
from unveilify.models import store

RGB = NDArray[np.uint8]
NETWORKS = Path(weights.__file__).parent / "networks"


@pytest.mark.parametrize(("name", "model"), [(weights.SHIPPED, "plus"), (weights.PLACE, "place")])
def test_it_is_whole_small_and_has_a_card_and_a_licence(name: str, model: str) -> None:
    path = weights.fetch(name)
    assert path.stat().st_size == weights.entry(name).bytes <= 16_000_000
    stored = store.load(path)
    assert stored.model == model
    assert sum(p.numel() for p in stored.network.parameters()) <= 8_000_000
    card = (NETWORKS / f"{name}.md").read_text()
    for word in ("guess", "licence", "Apache", "FairFace", "London", "asked"):
        assert word in card
    assert "Apache License" in (NETWORKS / "LICENSE").read_text()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory, astronaut: RGB) -> Path:
    """masked.png and, as another photo of the person, mirror.png."""
    folder = tmp_path_factory.mktemp("photos")
    recipe = choose(MaskConfig(styles={"cloth": 1.0}, wears={"proper": 1.0}), 0, "e")
    overlay = draw(astronaut, Finder().find(astronaut)[0].landmarks, recipe)
    Pillow.fromarray(compose(astronaut, overlay)).save(folder / "masked.png")
    Pillow.fromarray(astronaut[:, ::-1]).save(folder / "mirror.png")
    np.save(folder / "hole.npy", overlay.alpha > 0)
    return folder


def test_a_mask_comes_off_in_an_empty_folder(pictures: Path, astronaut: RGB) -> None:
    masked, hole = read(pictures / "masked.png"), np.load(pictures / "hole.npy")
    near = np.zeros_like(hole)
    rows, columns = np.nonzero(hole)
    near[rows.min() - 12 : rows.max() + 12, columns.min() - 12 : columns.max() + 12] = True

    def error(image: RGB) -> float:
        return float(np.square((image.astype(float) - astronaut)[hole]).mean())

    errors = []
    for words in ([], ["--identity", "mirror.png"]):
        done = say("remove", "masked.png", *words, "-o", "out.png", "--force", cwd=pictures)
        assert done.returncode == 0, done.stderr
        assert "guess" in done.stdout
        assert ("--identity" in done.stdout) == (not words)
        out = read(pictures / "out.png")
        assert np.array_equal(out[~near], masked[~near])
        errors.append(error(out))
    assert errors[0] < error(masked) / 5, "7 dB nearer to what was below the mask"
    assert errors[1] < errors[0], "nearer still with a photo of the person"
    words = ["--identity", "mirror.png", "--run", "unveilify_place", "-o", "place.png"]
    assert say("remove", "masked.png", *words, cwd=pictures).returncode == 0
    assert error(read(pictures / "place.png")) < error(masked) / 7
