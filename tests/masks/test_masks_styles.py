"""The contract of a mask style: a new file in unveilify/masks/styles is picked up here by itself."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from unveilify.core import plugins
from unveilify.core.config import Config
from unveilify.core.errors import UserError
from unveilify.core.landmarks import Landmarks
from unveilify.masks.choose import choose
from unveilify.masks.compose import compose
from unveilify.masks.config import MaskConfig
from unveilify.masks.draw import draw
from unveilify.masks.recipe import Wear
from unveilify.masks.sheet import Sheet
from unveilify.masks.straps import Strap
from unveilify.masks.surface import COLUMNS, ROWS, Cut, surface


def options(style: str, folder: Path) -> dict[str, object]:
    if style != "custom":
        return {}
    picture = np.zeros((120, 200, 4), np.uint8)
    picture[10:110, 20:180] = (40, 200, 90, 255)
    cv2.imwrite(str(folder / "mine.png"), picture)
    anchors = {"left_top": (20, 20), "nose": (100, 10), "right_top": (180, 20)}
    anchors |= {"left_bottom": (30, 90), "chin": (100, 110), "right_bottom": (170, 90)}
    return {"png": str(folder / "mine.png"), "anchors": anchors}


@pytest.mark.parametrize("style", plugins.names("style"))
def test_contract(style: str, tmp_path: Path) -> None:
    module = plugins.load("style", style)
    assert module.__doc__
    assert issubclass(module.Config, Config)
    config = module.Config.model_validate(options(style, tmp_path))
    params = module.sample(np.random.default_rng(3), config)
    assert params == module.sample(np.random.default_rng(3), config)
    assert module.Params.model_validate_json(params.model_dump_json()) == params
    if style not in ("sticker", "custom"):
        assert params != module.sample(np.random.default_rng(4), config)
    assert "colour" in module.Params.model_fields  # --color sets it

    cut = module.cut(params)
    assert isinstance(cut, Cut)
    shape = surface(cut, Wear())
    assert shape.points.shape == (ROWS, COLUMNS, 3)
    assert np.isfinite(shape.points).all()
    assert all(isinstance(strap, Strap) for strap in module.straps(params))

    for width, height in ((48, 48), (160, 120), (333, 200)):
        sheet = module.texture(params, width, height)
        assert isinstance(sheet, Sheet)
        assert sheet.rgb.shape == (height, width, 3)
        assert sheet.alpha.shape == sheet.height.shape == (height, width)
        for part in (sheet.rgb, sheet.alpha, sheet.height):
            assert part.dtype == np.float32
            assert np.isfinite(part).all()
        assert 0 <= sheet.rgb.min() <= sheet.rgb.max() <= 1
        assert 0 <= sheet.alpha.min() <= sheet.alpha.max() <= 1
        assert sheet.alpha.max() > 0.95


def test_a_tube_around_the_neck_hardly_tilts() -> None:
    gaiter, surgical = (plugins.load("style", name) for name in ("gaiter", "surgical"))
    turned = []
    for module in (gaiter, surgical):
        cut = module.cut(module.sample(np.random.default_rng(0), module.Config()))
        top = surface(cut, Wear(tilt=0.2)).points[0]
        turned.append(top[-1, 1] - top[0, 1])
    assert 0 < turned[0] < 0.4 * turned[1]


@pytest.mark.parametrize("style", [s for s in plugins.names("style") if s not in ("sticker", "custom")])
def test_sheets_look_alike_at_every_size(style: str) -> None:
    """The random numbers do not hang on the number of pixels: a preview shows the mask that will be drawn."""
    module = plugins.load("style", style)
    for seed in range(4):
        params = module.sample(np.random.default_rng(seed), module.Config())
        small, large = module.texture(params, 120, 90), module.texture(params, 480, 360)
        reduced = cv2.resize(large.rgb, (120, 90), interpolation=cv2.INTER_AREA)
        assert np.abs(cv2.blur(reduced, (9, 9)) - cv2.blur(small.rgb, (9, 9))).mean() < 0.03


def test_a_mask_of_your_own(tmp_path: Path, astronaut: NDArray[np.uint8], mesh: Landmarks) -> None:
    config = MaskConfig(styles={"custom": 1}, wears={"proper": 1}, options={"custom": options("custom", tmp_path)})
    recipe = choose(config, 0, "k")
    overlay = draw(astronaut, mesh, recipe)
    assert overlay.hole_share > 0.005
    masked = compose(astronaut, overlay)
    solid = overlay.alpha > 250
    assert (masked[solid].mean(0).argmax()) == 1  # the green of the PNG
    (tmp_path / "mine.png").write_bytes((tmp_path / "mine.png").read_bytes() + b"x")
    from unveilify.masks.styles import custom

    custom._read.cache_clear()
    with pytest.raises(UserError, match="changed"):
        draw(astronaut, mesh, recipe)


def test_custom_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"options\.custom\.png"):
        choose(MaskConfig(styles={"custom": 1}), 0, "k")
    with pytest.raises(UserError, match=r"anchors\.left_top"):
        choose(MaskConfig(styles={"custom": 1}, options={"custom": {"png": "x.png"}}), 0, "k")
    (tmp_path / "x.png").write_bytes(b"no picture")
    bad = options("custom", tmp_path) | {"png": str(tmp_path / "x.png")}
    with pytest.raises(UserError, match="RGBA"):
        choose(MaskConfig(styles={"custom": 1}, options={"custom": bad}), 0, "k")
