"""Masks on one photo: every face of it, at full size."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pillow

from unveilify.core.errors import UserError
from unveilify.core.landmarks import Landmarks, quantise
from unveilify.core.pictures import to_image
from unveilify.core.records import Image, Photo
from unveilify.faces.find import Finder
from unveilify.masks.choose import choose
from unveilify.masks.compose import compose
from unveilify.masks.config import MaskConfig
from unveilify.masks.draw import draw


@dataclass(frozen=True)
class Masked:
    """A photo with masks: ``image`` (H, W, 3) RGB, ``alpha`` (H, W) of all masks, 0…255.

    ``notes``: of every face its landmarks and the mask that was drawn, as JSON.
    """

    image: Image
    alpha: Image
    notes: list[dict[str, Any]] = field(default_factory=list)


def draw_mask(
    image: Image | Pillow.Image | str | Path,
    style: str | None = None,
    *,
    wear: str = "proper",
    color: str | None = None,
    seed: int = 0,
    landmarks: str = "mediapipe",
) -> Masked:
    """Draw a face mask on every face of a photo.

    Args:
        image: RGB bytes (H, W, 3), a Pillow picture, or a file.
        style: a mask style, as `unveilify plugins` names it; drawn at random when not given.
        wear: how it is worn: proper, under_nose, chin, loose, tilted …
        color: of the cloth, as #rrggbb.
        seed: another seed, another mask of that style.
        landmarks: landmark backends, in the order in which they are asked.

    Raises:
        UserError: no face is found, or there is no such style, wear or colour.
    """
    photo = to_image(image)
    faces = Finder(landmarks).find(photo, everyone=True)
    if not faces:
        raise UserError("There is no face to be found in the photo: give a picture in which it is larger or clearer.")
    named: dict[str, Any] = {} if style is None else {"styles": {style: 1.0}}
    config = MaskConfig(wears={wear: 1.0}, color=color, **named)
    return draw_on(photo, [quantise(face.landmarks) for face in faces], config, seed, Photo("photo", "", "").key)


def draw_on(
    photo: Image, faces: Sequence[Landmarks], config: MaskConfig, seed: int, key: Callable[[int], str]
) -> Masked:
    """A mask on each of the faces; ``key`` names the one of a number, and with ``seed`` says which mask it is."""
    masked, alpha = photo, np.zeros(photo.shape[:2], np.uint8)
    notes: list[dict[str, Any]] = []
    for number, landmarks in enumerate(faces):
        recipe = choose(config, seed, key(number))
        overlay = draw(masked, landmarks, recipe)
        masked, alpha = compose(masked, overlay), np.asarray(np.maximum(alpha, overlay.alpha))
        points = [[float(v) for v in point] for point in landmarks.points]
        drawn = {"scheme": landmarks.scheme, "points": points}
        notes.append({"landmarks": drawn, "mask": recipe.model_dump(mode="json")})
    return Masked(masked, alpha, notes)
