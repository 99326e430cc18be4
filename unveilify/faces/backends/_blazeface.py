"""MediaPipe's short-range face detector: boxes and six points from a 128 px picture.

Bazarevsky et al. 2019, "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs", arXiv:1907.05047.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from unveilify.core.records import Image
from unveilify.faces.backends._network import Network
from unveilify.faces.warp import reduced

Floats = npt.NDArray[np.float32]

INPUT_PX = 128
GRIDS = ((16, 2), (8, 6))
"""Cells per side and boxes per cell: two on stride 8; three layers of two share stride 16."""
OVERLAP = 0.3
"""Boxes that overlap more than this (intersection over union) are one face."""
LEFT = 4
"""What is left to reduce by, at the least, after whole blocks of a large picture's pixels are averaged: that is much
quicker, and areas of blocks are nearly the areas of their pixels."""
MIN_BOX_PX = 4
"""A smaller box is noise, and nothing could be cut out of it."""


@dataclass(frozen=True, slots=True)
class Detection:
    """One face in picture pixels: ``box`` (x0, y0, x1, y1), ``points`` (6, 2), ``score`` 0…1.

    The points are the picture's left and right eye, nose tip, mouth, left and right ear.
    """

    box: Floats
    points: Floats
    score: float


def _cells() -> Floats:
    rows = []
    for side, boxes in GRIDS:
        y, x = np.mgrid[:side, :side]
        centres = (np.stack([x, y], axis=-1).reshape(-1, 2) + 0.5) * (INPUT_PX / side)
        rows.append(np.repeat(centres, boxes, axis=0))
    return np.concatenate(rows).astype(np.float32)


CELLS = _cells()
"""Centres (896, 2) of the cells that the 896 boxes belong to, in pixels of the 128 px square."""


def detect(net: Network, image: Image, min_score: float) -> list[Detection]:
    """Faces in an RGB picture (H, W, 3), best score first."""
    square, scale, offset = _letterbox(image)
    scores, boxes = net(square)
    found = _sigmoid(scores[0, :, 0])
    keep = found >= min_score
    raw = boxes[0, keep].reshape(-1, 8, 2)
    centres = CELLS[keep, None]
    raw[:, 0] += centres[:, 0]
    raw[:, 2:] += centres
    corners = np.concatenate([raw[:, 0] - raw[:, 1] / 2, raw[:, 0] + raw[:, 1] / 2], axis=1)
    found_faces = []
    for values, score in _merge(np.concatenate([corners, raw[:, 2:].reshape(-1, 12)], axis=1), found[keep]):
        pixels = ((values.reshape(8, 2) - offset) * scale).astype(np.float32)
        if (pixels[1] - pixels[0]).min() < MIN_BOX_PX:
            continue
        found_faces.append(Detection(pixels[:2].ravel(), pixels[2:], score))
    return found_faces


def _letterbox(image: Image) -> tuple[Floats, Floats, Floats]:
    """The picture centred in a black square, reduced with area averaging: (128, 128, 3) in [-1, 1].

    With it, what takes a point of the square back to the picture: ``(point - offset) * scale``.
    """
    height, width = image.shape[:2]
    blocks = max(1, min(max(height, width) // (INPUT_PX * LEFT), height, width))
    if blocks > 1:
        image = reduced(image[: height // blocks * blocks, : width // blocks * blocks], blocks)
    height, width = image.shape[:2]
    ratio = INPUT_PX / max(height, width)
    size = (max(1, round(width * ratio)), max(1, round(height * ratio)))
    method = cv2.INTER_AREA if ratio < 0.5 else cv2.INTER_LINEAR
    small = cv2.resize(image, size, interpolation=method)
    left, top = (INPUT_PX - size[0]) // 2, (INPUT_PX - size[1]) // 2
    canvas = np.zeros((INPUT_PX, INPUT_PX, 3), np.uint8)
    canvas[top : top + size[1], left : left + size[0]] = small
    square = (canvas.astype(np.float32) - np.float32(127.5)) * np.float32(1 / 127.5)
    scale = np.array([width / size[0], height / size[1]], np.float32) * np.float32(blocks)
    return square, scale, np.array([left, top], np.float32)


def _merge(rows: Floats, scores: Floats) -> list[tuple[Floats, float]]:
    """Weighted non-maximum suppression: boxes that overlap the best one are averaged by their scores (the paper's blending)."""
    order = np.argsort(-scores, kind="stable")
    merged = []
    while order.size:
        best = order[0]
        same = _overlap(rows[best], rows[order]) > OVERLAP
        same[0] = True
        group = order[same]
        weight = scores[group] / scores[group].sum()
        merged.append(((rows[group] * weight[:, None]).sum(0).astype(np.float32), float(scores[best])))
        order = order[~same]
    return merged


def _overlap(one: Floats, many: Floats) -> Floats:
    """Intersection over union of one box with many; the first four columns are x0, y0, x1, y1."""
    size = np.minimum(one[2:4], many[:, 2:4]) - np.maximum(one[:2], many[:, :2])
    shared = np.maximum(size, 0).prod(axis=1)
    areas = (many[:, 2:4] - many[:, :2]).prod(axis=1) + (one[2:4] - one[:2]).prod()
    return np.asarray(shared / np.maximum(areas - shared, 1e-9), np.float32)


def _sigmoid(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -80, 80))), np.float32)
