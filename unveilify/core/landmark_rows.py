"""Landmarks of several pictures as rows of one array, as they travel in data sets and batches."""

import io
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from unveilify.core.errors import UserError
from unveilify.core.landmarks import SCHEME_OF_SIZE, Points

MEMBER = "landmarks.npy"
"""The member of a sample that holds them: float32, (rows, N, 2 or 3), pixels of the stored crop, NaN where unknown."""


def encode(rows: Sequence[Points]) -> bytes:
    """Landmarks (N, D) of several pictures as the bytes of a numpy file (no pickle): (rows, N, D) float32."""
    file = io.BytesIO()
    np.lib.format.write_array(file, np.stack(rows).astype(np.float32), version=(1, 0), allow_pickle=False)
    return file.getvalue()


def decode(data: bytes, name: str) -> Points:
    """What `encode` wrote: (rows, N, D) float32.

    Raises:
        UserError: it is something else; ``name`` says where it lies.
    """
    try:
        shape, begin = _header(data[: 10 + int.from_bytes(data[8:10], "little")])
        return np.frombuffer(data, np.float32, offset=begin).reshape(shape).copy()
    except (ValueError, EOFError, OSError):
        raise UserError(f"{name} holds no landmarks: make it again with --force.") from None


@lru_cache(maxsize=16)
def _header(data: bytes) -> tuple[tuple[int, ...], int]:
    """Shape, and where the numbers begin. To read the same few headers again and again took as long as a small JPEG."""
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    shape, fortran, kind = np.lib.format.read_array_header_1_0(file)
    whole = version == (1, 0) and kind == np.float32 and not fortran and len(shape) == 3
    if not whole or shape[1] not in SCHEME_OF_SIZE or shape[2] not in (2, 3):
        raise ValueError(f"not landmarks: {shape} of {kind}")
    return shape, file.tell()


def alike(points: Points | None, like: Points) -> Points:
    """``points`` if they are there and of the same scheme and dimensions as ``like`` (N, D), else as many NaN."""
    if points is not None and points.shape == like.shape:
        return points
    return np.full(like.shape, np.nan, np.float32)


def shares(points: Points, size_px: int) -> Points:
    """From pixels of a picture of side ``size_px``, whose whole numbers are centres of pixels, to shares of its side.

    x and y (…, N, 2) lead from 0 at one edge to 1 at the other; depth, if any, is divided by the side alone.
    """
    moved = points.astype(np.float32)
    moved[..., :2] += np.float32(0.5)
    return np.asarray(moved / np.float32(size_px), np.float32)


def pixels(rows: Points, size_px: int) -> Points:
    """From shares of the side back to pixels of a picture of any side ``size_px``."""
    moved = np.asarray(rows * np.float32(size_px), np.float32)
    moved[..., :2] -= np.float32(0.5)
    return moved
