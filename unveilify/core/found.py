"""A mask that was found on a face crop: whether one is worn at all, and how far it agrees with the true one."""

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Area = npt.NDArray[np.bool_]

PLACE = (slice(0.45, 0.9), slice(0.25, 0.75))
"""Rows and columns, as shares of a face crop's side, between which a worn mask must cover something."""
WORN_SHARE = 0.17
"""The share of that place that a mask covers if one is worn; chosen on real photos of people that no report shows."""
SOLID = 0.2
"""A drawn mask counts where its alpha is above this: below a soft rim and a shadow the face must be painted, too."""


def worn(alpha: Floats) -> bool:
    """Whether a mask is worn, from the alpha (S, S) in 0…1 found in a face crop; a mask on the chin is one."""
    return float((alpha[place(len(alpha))] > 0.5).mean()) >= WORN_SHARE


def place(side: int) -> tuple[slice, slice]:
    """`PLACE` in pixels of a face crop of ``side``."""
    rows, columns = (slice(round(s.start * side), round(s.stop * side)) for s in PLACE)
    return rows, columns


def agreement(found: Area, truth: Area) -> tuple[float, float]:
    """Two areas (S, S) -> intersection over union, and the mean distance of their outlines as a share of the side.

    Two empty areas agree, 1; the distance is NaN where one has no outline.
    """
    either = np.count_nonzero(found | truth)
    iou = np.count_nonzero(found & truth) / either if either else 1.0
    if not (found.any() and truth.any()):
        return iou, float("nan")
    one, other = _outline(found), _outline(truth)
    return iou, (_away(one, other) + _away(other, one)) / 2 / len(found)


def _away(line: Area, other: Area) -> float:
    """Mean distance in pixels from the pixels of one line to the other."""
    distance = cv2.distanceTransform((~other).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return float(distance[line].mean())


def _outline(area: Area) -> Area:
    inner = cv2.erode(area.astype(np.uint8), np.ones((3, 3), np.uint8))
    return np.asarray(area & (inner == 0))
