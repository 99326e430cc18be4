"""Lay many unrolled faces onto their own mean, so that lips lie on lips to the pixel and the mean is sharp.

A mesh of 468 points is a few pixels off in every face, and a mean of faces that are not quite aligned is blurred.
Congealing (Learned-Miller 2006): every face is moved towards the mean by dense optical flow, the mean is taken
again, and so on. The mean is of those sharp faces that are most like it, else it never becomes clear: of faces in all lights
and poses some are never laid rightly.
"""

import cv2
import numpy as np
import numpy.typing as npt

ROUNDS = 5
SHARPEST, LIKEST = 300, 100
"""Faces that are moved to their mean, the sharpest of all, and those of which in every round the mean is made."""
STIFF = 1 / 60
"""Standard deviation under which a flow is smoothed, in shares of the side: faces bend, pores do not wander."""
MOST = 1 / 40
"""Longest step of one round, in shares of the side."""
STEP = 0.8
"""Share of the flow that is followed in a round."""

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


def congealed(faces: Bytes, known: Bytes) -> list[int]:
    """Move ``faces`` (N, S, S, 3) and how far their pixels are ``known`` (N, S, S, 1) onto their common mean, in place.

    Returns the sharp faces that are most like the mean.
    """
    order = np.argsort([-_sharpness(face, there) for face, there in zip(faces, known, strict=True)])
    sharpest: list[int] = order[:SHARPEST].tolist()
    side = faces.shape[1]
    flows = np.zeros((len(sharpest), side, side, 2), np.float32)
    mean, likest = _mean(faces[sharpest], known[sharpest]), np.arange(len(sharpest))
    for _ in range(ROUNDS):
        for flow, number in zip(flows, sharpest, strict=True):
            flow += _towards(mean, _moved(faces[number], flow))
        flows -= flows[likest].mean(0)  # the mean face stays where it is
        pictures, weights = (
            np.stack([_moved(many[number], flow) for number, flow in zip(sharpest, flows, strict=True)])
            for many in (faces, known)
        )
        lines = _lines(mean)
        unlike = [-_likeness(lines, face, there) for face, there in zip(pictures, weights, strict=True)]
        likest = np.argsort(unlike)[:LIKEST]
        mean = _mean(pictures[likest], weights[likest])
    where = dict(zip(sharpest, flows, strict=True))
    for number in range(len(faces)):
        flow = where[number] if number in where else _towards(mean, faces[number])
        faces[number] = _moved(faces[number], flow)
        known[number] = _moved(known[number], flow)
    return [sharpest[i] for i in likest]


def _towards(mean: Floats, face: Bytes) -> Floats:
    """The flow (S, S, 2) by which the face is to be fetched so that it lies on the mean."""
    side = len(face)
    finder = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flow = finder.calc(_lines(mean), _lines(face.astype(np.float32)), None)  # type: ignore[call-overload]
    flow = cv2.GaussianBlur(flow, (0, 0), STIFF * side)
    length = np.linalg.norm(flow, axis=2, keepdims=True)
    return np.asarray(STEP * flow * np.minimum(1, MOST * side / np.maximum(length, 1e-3)), np.float32)


def _moved(picture: Bytes, flow: Floats) -> Bytes:
    y, x = np.mgrid[: len(picture), : len(picture)].astype(np.float32)
    moved = cv2.remap(picture, x + flow[..., 0], y + flow[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved.reshape(picture.shape), np.uint8)


def _lines(picture: Floats) -> Bytes:
    """What is left of a picture (S, S, 3) when light and contrast are taken off: skins and lamps differ, lips do not."""
    wide = (0, 0), len(picture) / 16
    grey = picture.mean(2)
    apart = grey - cv2.GaussianBlur(grey, *wide)
    deviation = np.sqrt(cv2.GaussianBlur(apart * apart, *wide)) + 5
    return np.asarray(np.clip(128 + 40 * apart / deviation, 0, 255), np.uint8)


def _mean(faces: Bytes, known: Bytes) -> Floats:
    """Of faces (N, S, S, 3), each pixel by how far it is known: (S, S, 3)."""
    total, weight = np.zeros(faces.shape[1:], np.float32), np.zeros(known.shape[1:], np.float32)
    for face, there in zip(faces, known, strict=True):
        share = there.astype(np.float32) / 255
        total += face * share
        weight += share
    return np.asarray(total / np.maximum(weight, 1e-3), np.float32)


def _sharpness(face: Bytes, known: Bytes) -> float:
    """The median of what is fine where the face is known, against its contrast: a beard is no sharpness, nor is a lamp."""
    grey = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY).astype(np.float32)
    there = known[..., 0] > 128
    if not there.any():
        return 0.0
    return float(np.median(np.abs(grey - cv2.GaussianBlur(grey, (0, 0), 1.5))[there]))


def _likeness(lines: Bytes, face: Bytes, known: Bytes) -> float:
    """Correlation of the lines (S, S) of the mean with those of a face, where that is known."""
    weight = known[..., 0].astype(np.float32)
    a, b = (x.astype(np.float32) - 128 for x in (lines, _lines(face.astype(np.float32))))
    size = np.sqrt(float((weight * a * a).sum()) * float((weight * b * b).sum()))
    return float((weight * a * b).sum()) / max(float(size), 1e-6)
