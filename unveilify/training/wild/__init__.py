"""Photos as wild as real ones: masks of any cloth and outline, things that are no mask, any camera.

A network that has to find masks learns the look of those it is shown. So the drawn mask is lifted off its photo,
recoloured and printed, bent and laid on again, or left away; beards, scarves, hands, cups, microphones and
sunglasses come under or over it, where a network must keep them; and a camera of any kind looks at it all. What is
drawn depends on (seed, position in the training) alone.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from unveilify.core.batch import Batch
from unveilify.core.records import Image
from unveilify.training.wild.camera import Camera
from unveilify.training.wild.cloth import bent, dressed, lifted
from unveilify.training.wild.layers import Floats, laid
from unveilify.training.wild.things import over_the_mask, under_the_mask

BARE = 0.33
"""Share of the photos that are shown without a mask."""

_STREAM = 0xF14D


def wild(samples: Batch, seed: int, position: int) -> Batch:
    """The samples with other masks, or none, seen by other cameras; ``position`` is the first one's in the training.

    Pictures are bytes. ``hole`` is what is left of the mask to be seen, ``unmasked`` the same scene without it;
    landmarks go along. Identity images stay.
    """
    assert samples.unmasked is not None
    photos = zip(*(_images(planes) for planes in (samples.masked, samples.unmasked, samples.hole)), strict=True)
    true, seen = (
        None if points is None else points.clone() for points in (samples.unmasked_landmarks, samples.landmarks)
    )
    shown = []
    for number, (masked, unmasked, alpha) in enumerate(photos):
        rng = np.random.default_rng([_STREAM, seed, position + number])
        scene = _scene(masked, unmasked, alpha, rng)
        camera = Camera.draw(rng, len(masked))
        shown.append((camera.photo(scene.masked), camera.photo(scene.bare, developed=False), camera.moved(scene.there)))
        for points in (true, seen):
            if points is not None:
                points[number] = torch.from_numpy(camera.led(points[number].numpy()))
    stacked = (_planes(images) for images in zip(*shown, strict=True))
    parts: dict[str, Any] = dict(zip(("masked", "unmasked", "hole"), stacked, strict=True))
    return replace(samples, **parts, landmarks=seen, unmasked_landmarks=true)


@dataclass(frozen=True, slots=True)
class _Scene:
    """Before the camera: with the mask and without (S, S, 3) in 0…255, and where it is to be seen (S, S) in 0…1."""

    masked: Floats
    bare: Floats
    there: Floats


def _scene(masked: Image, unmasked: Image, alpha: Image, rng: np.random.Generator) -> _Scene:
    """From bytes (S, S, 3) twice and (S, S, 1)."""
    face = unmasked.astype(np.float32)
    cloth, there = lifted(masked, unmasked, alpha)
    worn = rng.random() >= BARE and bool(there.any())
    if worn:
        cloth = dressed(cloth, there, face, rng)
        cloth, there = bent(cloth, there, rng)
    else:
        there = np.zeros_like(there)
    bare, free = under_the_mask(face, rng, worn=worn)
    there = there * free
    covered = laid(bare, cloth, there)
    for colour, opacity in over_the_mask(face, rng, worn=worn):
        bare, covered = laid(bare, colour, opacity), laid(covered, colour, opacity)
        there = there * (1 - opacity)
    return _Scene(covered, bare, there)


def _images(planes: torch.Tensor) -> list[Image]:
    return list(np.ascontiguousarray(planes.permute(0, 2, 3, 1).numpy()))


def _planes(images: tuple[Image, ...]) -> torch.Tensor:
    stacked = np.stack(images)
    return torch.from_numpy(np.ascontiguousarray(stacked.reshape(*stacked.shape[:3], -1).transpose(0, 3, 1, 2)))
