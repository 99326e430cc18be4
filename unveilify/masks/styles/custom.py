"""Your own mask: a PNG with transparency, and where six named places lie on it."""

from functools import lru_cache
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
from pydantic import Field

from unveilify.core.errors import UserError
from unveilify.core.storage import read_file, sha256_bytes
from unveilify.masks import sheet
from unveilify.masks.pixels import Array, Floats, blurred, look_up
from unveilify.masks.style import EAR_LOOP, Colour, Cut, Sheet, Strap, StyleConfig
from unveilify.masks.surface import spline

Point = tuple[float, float]
PLACES = ("left_top", "nose", "right_top", "left_bottom", "chin", "right_bottom")


class Config(StyleConfig):
    """The picture and its anchors."""

    png: Annotated[str, Field(description="path of an RGBA PNG of the mask seen from the front")] = ""
    anchors: dict[str, Point] = Field(
        {}, description="pixel (x, y) of left_top, nose, right_top, left_bottom, chin and right_bottom on the PNG"
    )
    strap: Colour | None = Field(None, description="colour of ear loops, if the PNG has none")


class Params(StyleConfig):
    """One mask from a picture. ``sha256`` of the file makes sure that the same recipe draws the same mask."""

    png: str
    sha256: str
    anchors: dict[str, Point]
    strap: Colour | None = None
    colour: Colour = (1.0, 1.0, 1.0)


def sample(rng: np.random.Generator, config: Config) -> Params:
    """Check the picture and its anchors.

    Raises:
        UserError: no PNG is set, it cannot be read, or an anchor is missing.
    """
    missing = [name for name in PLACES if name not in config.anchors]
    if not config.png or missing:
        what = "png" if not config.png else f"anchors.{missing[0]}"
        raise UserError(f"The style 'custom' needs masks.options.custom.{what}: an RGBA PNG and six anchors in pixels.")
    return Params(png=config.png, sha256=_read(config.png)[1], anchors=dict(config.anchors), strap=config.strap)


def cut(params: Params) -> Cut:
    """The six places lie where those of a surgical mask lie."""
    top = ((0.0, 0.26), (0.15, 0.31), (0.38, 0.46), (0.66, 0.54), (0.93, 0.56))
    bottom = ((0.0, 1.85), (0.22, 1.84), (0.42, 1.78), (0.62, 1.64), (0.78, 1.36), (0.86, 1.18))
    return Cut(top, bottom, roundness=1.8, puff=0.05)


def texture(params: Params, width: int, height: int) -> Sheet:
    """The picture, bent so that its six places meet the sheet's corners and the middles of its edges.

    Raises:
        UserError: the PNG is gone or is another one than the recipe was made from.
    """
    picture, sha256 = _read(params.png)
    if sha256 != params.sha256:
        raise UserError(f"The mask {params.png} has changed since its recipe was made: give the old file.")
    at = {name: np.array(params.anchors[name], np.float64) for name in PLACES}
    _, v = sheet.coordinates(width, height)
    top = _across(np.stack([at["left_top"], at["nose"], at["right_top"]]), width)
    bottom = _across(np.stack([at["left_bottom"], at["chin"], at["right_bottom"]]), width)
    where = ((1 - v)[..., None] * top + v[..., None] * bottom).astype(np.float32)
    shrink = np.linalg.norm(at["right_top"] - at["left_top"]) / width
    if shrink > 1.2:  # prefiltered, so that fine print does not turn into crumbs
        picture = blurred(picture, 0.4 * float(shrink))
    rgba = look_up(picture, where[..., 0], where[..., 1], cv2.BORDER_CONSTANT)
    alpha = np.clip(rgba[:, :, 3], 0, 1)
    rgb = np.clip(rgba[:, :, :3] / np.maximum(alpha, 1e-3)[..., None], 0, 1) * np.array(params.colour, np.float32)
    return Sheet(rgb.astype(np.float32), alpha, np.zeros((height, width), np.float32))


def straps(params: Params) -> tuple[Strap, ...]:
    """Ear loops if their colour is given."""
    return () if params.strap is None else (Strap(EAR_LOOP, 0.04, params.strap),)


def _across(three: Array, width: int) -> Array:
    return spline(three, 2 * width + 1)[1::2]


@lru_cache(maxsize=8)
def _read(path: str) -> tuple[Floats, str]:
    """Premultiplied RGBA 0…1 and the file's hash."""
    try:
        data = read_file(Path(path))
    except OSError as error:
        raise UserError(f"Cannot read the mask {path}: {error.strerror}; set masks.options.custom.png.") from None
    bgra = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) if data else None
    if bgra is None or bgra.ndim != 3 or bgra.shape[2] != 4 or bgra.dtype != np.uint8:
        raise UserError(f"The mask {path} is not an 8-bit PNG with transparency: save it as RGBA.")
    rgba: Floats = np.asarray(cv2.cvtColor(bgra, cv2.COLOR_BGRA2RGBA), np.float32) / np.float32(255)
    rgba[:, :, :3] *= rgba[:, :, 3:]
    return rgba, sha256_bytes(data)
