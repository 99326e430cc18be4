"""What the photo says about occlusion: hair, glasses, the wall behind."""

import cv2
import numpy as np
from numpy.typing import NDArray

from unveilify.core.landmarks import Landmarks
from unveilify.masks._photo import glasses, skin_area, under_hair
from unveilify.masks.choose import choose
from unveilify.masks.config import MaskConfig
from unveilify.masks.draw import draw
from unveilify.masks.fit import fit, project

Rgb = NDArray[np.uint8]
ORIGIN = np.zeros(3)


def with_glasses(image: Rgb, landmarks: Landmarks) -> Rgb:
    """Dark rims around both eyes."""
    head, worn = fit(landmarks), image.copy()
    for side in (-0.5, 0.5):
        x, y = project(head, np.array([side, 0.08, 0.1]))[:2]
        axes = (round(0.42 * head.scale), round(0.34 * head.scale))
        cv2.ellipse(worn, (round(x), round(y)), axes, 0, 0, 360, (20, 18, 18), 2, cv2.LINE_AA)
    return worn


def test_dark_rims_are_seen_and_stay_in_front(astronaut: Rgb, mesh: Landmarks) -> None:
    head, shape = fit(mesh), astronaut.shape[:2]
    assert glasses(astronaut, head, ORIGIN, shape) is None
    worn = with_glasses(astronaut, mesh)
    rims = glasses(worn, head, ORIGIN, shape)
    assert rims is not None
    assert 0.5 < rims.max() <= 1
    recipe = choose(MaskConfig(styles={"kn95": 1}, wears={"proper": 1}), 0, "k")
    recipe = recipe.model_copy(update={"wear": recipe.wear.model_copy(update={"top": -0.15})})
    plain, behind = draw(astronaut, mesh, recipe).alpha, draw(worn, mesh, recipe).alpha
    assert (behind[(rims > 0.6) & (plain > 200)] < 130).all()


def test_straps_end_where_hair_begins() -> None:
    skin = np.array([0.5, 0.3, 0.2], np.float32)
    image = np.full((40, 100, 3), (np.array(skin) ** (1 / 2.2) * 255).astype(np.uint8), np.uint8)
    image[:, 60:] = (25, 20, 18)
    line = np.column_stack([np.linspace(10, 90, 16), np.full(16, 20.0), np.zeros(16)])[None]
    shown = under_hair(image, line, skin, np.full((1, 16), 1.0))[0]
    assert (shown[line[0, :, 0] < 52] == 1).all()
    assert (shown[line[0, :, 0] > 65] == 0).all()
    near_the_mouth = under_hair(image, line, skin, np.full((1, 16), 0.5))
    assert (near_the_mouth == 1).all()  # a beard does not hide a strap


def test_shadows_fall_on_face_and_neck_only(astronaut: Rgb, mesh: Landmarks) -> None:
    head = fit(mesh)
    area = skin_area(head, ORIGIN, (512, 512))
    inside = project(head, np.array([[0.0, 1.2, 0.3], [0.5, 0.6, 0.1], [0.0, 2.1, -0.5]]))[:, :2].round().astype(int)
    outside = project(head, np.array([[1.6, 0.5, -0.9], [-1.5, 1.6, -0.9]]))[:, :2].round().astype(int)
    assert all(area[y, x] > 0.9 for x, y in inside)
    assert all(area[y, x] == 0 for x, y in outside)


def test_a_black_and_white_photo_gets_a_grey_mask(astronaut: Rgb, mesh: Landmarks) -> None:
    grey = cv2.cvtColor(cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    recipe = choose(MaskConfig(styles={"surgical": 1}, color="#3060ff"), 0, "k")
    for image, spread in ((astronaut, 40), (grey, 3)):
        overlay = draw(np.asarray(image, np.uint8), mesh, recipe)
        solid = overlay.rgba[overlay.alpha > 250][:, :3].astype(int)
        assert (np.ptp(solid, axis=1).mean() > spread) == (spread == 40)
