"""What every backend does with the faces it has found: drop repeats, put the most prominent first."""

import math

from unveilify.core.records import Box, Face, Image

REPEAT = 0.6
"""Two boxes that share more than this of the smaller one are one face."""


def by_prominence(faces: list[Face], image: Image) -> list[Face]:
    """Faces of a picture (H, W, 3), large and central ones first."""
    return sorted(faces, key=lambda face: -prominence(face.box, image))


def prominence(box: Box, image: Image) -> float:
    """How much a face looks like the subject: its size, less its distance from the middle, both over the short side.

    A face in the middle outranks one of the same size at the border, or a slightly larger one.
    """
    height, width = image.shape[:2]
    x, y, w, h = box
    away = math.hypot(x + w / 2 - width / 2, y + h / 2 - height / 2)
    return float((math.sqrt(max(w * h, 0.0)) - away / 2) / min(height, width))


def drop_repeats(faces: list[Face]) -> list[Face]:
    """Keep the best-scored of faces that lie on one another."""
    kept: list[Face] = []
    for face in sorted(faces, key=lambda f: -f.score):
        if all(shared(face.box, other.box) <= REPEAT for other in kept):
            kept.append(face)
    return kept


def shared(one: Box, other: Box) -> float:
    """The area that two boxes share, over the area of the smaller."""
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    smaller = min(one[2] * one[3], other[2] * other[3])
    return max(width, 0.0) * max(height, 0.0) / smaller if smaller > 0 else 0.0
