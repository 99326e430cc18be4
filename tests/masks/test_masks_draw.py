"""What every overlay keeps to, whatever is drawn."""

import json

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from unveilify.core import plugins
from unveilify.core.errors import PhotoError, UserError
from unveilify.core.geometry import apply
from unveilify.core.landmarks import Landmarks, transform
from unveilify.masks import wear
from unveilify.masks.choose import choose
from unveilify.masks.compose import compose
from unveilify.masks.config import MaskConfig
from unveilify.masks.draw import Overlay, draw
from unveilify.masks.recipe import Recipe

Rgb = NDArray[np.uint8]
STYLES = [name for name in plugins.names("style") if name != "custom"]


def recipe(style: str, way: str = "proper", key: str = "k") -> Recipe:
    return choose(MaskConfig(styles={style: 1}, wears={way: 1}), 0, key)


def crop(image: Rgb, landmarks: Landmarks, size: int) -> tuple[Rgb, Landmarks]:
    """The astronaut's face at ``size`` px, about as the pipeline crops it."""
    s = size / 172.4
    matrix = np.array([[s, 0, -138.9 * s], [0, s, -34.6 * s]])
    flags = cv2.INTER_AREA if s < 1 else cv2.INTER_LINEAR
    picture = cv2.warpAffine(image, matrix, (size, size), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(picture, np.uint8), transform(landmarks, matrix)


@pytest.mark.parametrize("style", STYLES)
def test_nothing_changes_outside_the_hole(astronaut: Rgb, mesh: Landmarks, style: str) -> None:
    overlay = draw(astronaut, mesh, recipe(style))
    masked = compose(astronaut, overlay)
    outside = overlay.alpha == 0
    assert (masked[outside] == astronaut[outside]).all()
    assert (masked[~outside] != astronaut[~outside]).any()


@pytest.mark.parametrize("style", STYLES)
def test_no_halo_along_the_edge(astronaut: Rgb, mesh: Landmarks, style: str) -> None:
    """Where the alpha is between 0 and 1 the result lies between the photo and the overlay, in every channel."""
    for size in (96, 256):
        image, landmarks = crop(astronaut, mesh, size)
        overlay = draw(image, landmarks, recipe(style))
        masked = compose(image, overlay).astype(int)
        ring = (overlay.alpha > 0) & (overlay.alpha < 255)
        photo, layer = image.astype(int), overlay.rgba[:, :, :3].astype(int)
        assert (masked >= np.minimum(photo, layer))[ring].all()
        assert (masked <= np.maximum(photo, layer))[ring].all()
        # and the layer itself has no bright rim: near the edge it is no brighter than cloth or photo near by
        solid = np.where((overlay.alpha > 230)[..., None], layer, 0).astype(np.float32)
        brightest = cv2.dilate(np.maximum(solid, photo.astype(np.float32)), np.ones((9, 9), np.uint8))
        beside = (
            cv2.dilate(overlay.alpha, np.ones((5, 5), np.uint8)) > 230
        ) & ring  # straps may be thinner than a pixel
        assert (masked <= brightest + 6)[beside].all()


def test_same_input_same_pixels_and_the_recipe_survives_json(astronaut: Rgb, mesh: Landmarks) -> None:
    for key in "abcdefgh":
        chosen = choose(MaskConfig(), 7, key)
        again = Recipe.model_validate(json.loads(json.dumps(chosen.model_dump(mode="json"))))
        assert again == choose(MaskConfig(), 7, key)
        first, second = draw(astronaut, mesh, chosen), draw(astronaut, mesh, again)
        assert (first.rgba == second.rgba).all()


@pytest.mark.parametrize("way", wear.NAMES)
@pytest.mark.parametrize("style", STYLES)
def test_every_style_worn_any_way_covers_a_sane_share(
    astronaut: Rgb, mesh: Landmarks, five: Landmarks, style: str, way: str
) -> None:
    shares = []
    for size, landmarks in ((64, mesh), (200, mesh), (200, five), (420, mesh)):
        image, placed = crop(astronaut, landmarks, size)
        shares.append(draw(image, placed, recipe(style, way)).hole_share)
    low = {"chin": 0.03, "under_nose": 0.07}.get(way, 0.1)
    assert min(shares) > low
    assert max(shares) < 0.6
    assert max(shares) - min(shares) < 0.12  # the same mask, whatever the size and the scheme


def test_any_scheme_draws_the_same_mask(astronaut: Rgb, five: Landmarks, any_scheme: Landmarks) -> None:
    one = draw(astronaut, five, recipe("surgical")).alpha > 128
    other = draw(astronaut, any_scheme, recipe("surgical")).alpha > 128
    assert (one & other).sum() / (one | other).sum() > 0.9


@pytest.mark.parametrize("style", ["surgical", "kn95", "gaiter", "sticker"])
def test_turned_tiny_or_cut_off_faces_do_not_crash(astronaut: Rgb, mesh: Landmarks, style: str) -> None:
    centre = mesh.points.mean(0)
    moved = mesh.points - centre
    for degrees in (-85, -60, 60, 85):
        for axis in (0, 1, 2):
            cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
            turn = np.eye(3)
            a, b = [k for k in range(3) if k != axis]
            turn[a, a] = turn[b, b] = cos
            turn[a, b], turn[b, a] = -sin, sin
            turned = Landmarks((moved @ turn.T + centre).astype(np.float32), mesh.scheme)
            overlay = draw(astronaut, turned, recipe(style))
            assert overlay.rgba.shape == (512, 512, 4)
    for offset in ([-250, 0], [300, 20], [0, -150], [10, 390], [5000, 5000]):
        matrix = np.array([[1.0, 0, offset[0]], [0, 1.0, offset[1]]])
        cut = Landmarks(apply(matrix, mesh.points).astype(np.float32), mesh.scheme)
        draw(astronaut, cut, recipe(style))
    small = np.asarray(cv2.resize(astronaut, (24, 24), interpolation=cv2.INTER_AREA), np.uint8)
    draw(small, transform(mesh, np.array([[24 / 512, 0, 0], [0, 24 / 512, 0]])), recipe(style))


def test_large_pictures_are_only_touched_around_the_face(astronaut: Rgb, mesh: Landmarks) -> None:
    large = np.tile(astronaut, (4, 4, 1))
    overlay = draw(large, mesh, recipe("surgical"))
    assert overlay.rgba.shape == (2048, 2048, 4)
    assert not overlay.alpha[260:].any()
    assert not overlay.alpha[:, 330:].any()


@pytest.mark.timeout(60)
@pytest.mark.parametrize("far", [1e4, 1e6, 9e9, 3e38])
def test_a_face_beyond_all_size_is_a_reject_and_not_drawn_for_ever(astronaut: Rgb, far: float) -> None:
    points = np.array([[100, 80], [140, 80], [120, 100], [105, 120], [135, 120]], np.float32)
    points[0, 0] = far
    with pytest.raises(PhotoError, match="many times larger than the picture"):
        draw(astronaut, Landmarks(points, "five"), recipe("surgical"))


def test_foreign_parameters_are_named(astronaut: Rgb, mesh: Landmarks) -> None:
    good = recipe("surgical")
    with pytest.raises(UserError, match="plaets"):
        draw(astronaut, mesh, good.model_copy(update={"params": {**good.params, "plaets": 3}}))
    with pytest.raises(UserError, match="no mask style called 'surgcal'"):
        draw(astronaut, mesh, good.model_copy(update={"style": "surgcal"}))


def test_compose_rounds_every_mixture_to_the_nearest() -> None:
    below, over = np.meshgrid(np.arange(256), np.arange(256))
    for alpha in (1, 2, 100, 127, 128, 254, 255):
        rgba = np.dstack([over, over, over, np.full_like(over, alpha)]).astype(np.uint8)
        masked = compose(np.dstack([below] * 3).astype(np.uint8), Overlay(rgba))
        exact = (over * alpha + below * (255 - alpha)) / 255
        assert np.abs(masked[:, :, 0] - exact).max() < 0.5


@pytest.mark.parametrize("style", ["surgical", "sticker", "gaiter"])
def test_the_box_holds_all_of_an_overlay(astronaut: Rgb, mesh: Landmarks, style: str) -> None:
    overlay = draw(astronaut, mesh, recipe(style))
    assert overlay.box is not None
    assert np.count_nonzero(overlay.part[:, :, 3]) == np.count_nonzero(overlay.alpha) > 0
    anywhere = Overlay(overlay.rgba)
    assert (compose(astronaut, overlay) == compose(astronaut, anywhere)).all()
    assert overlay.hole_share == anywhere.hole_share


def test_an_overlay_beside_the_picture_is_empty(astronaut: Rgb, mesh: Landmarks) -> None:
    away = transform(mesh, np.array([[1.0, 0, 5000], [0, 1, 0]]))
    overlay = draw(astronaut, away, recipe("surgical"))
    assert overlay.hole_share == 0
    assert (compose(astronaut, overlay) == astronaut).all()


def test_nothing_is_put_on_a_picture_by_an_empty_overlay(astronaut: Rgb) -> None:
    assert (compose(astronaut, Overlay(np.zeros((512, 512, 4), np.uint8))) == astronaut).all()


def test_compose_refuses_another_size(astronaut: Rgb, mesh: Landmarks) -> None:
    with pytest.raises(ValueError, match="picture"):
        compose(astronaut[:100], draw(astronaut, mesh, recipe("surgical")))
