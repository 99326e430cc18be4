"""Sides of the pictures that networks take; known without torch."""

import math
from typing import Annotated

from pydantic import AfterValidator

from unveilify.core.errors import UserError


def levels(size_px: int, *, smallest_px: int = 4) -> list[int]:
    """Resolutions from ``size_px`` down to ``smallest_px``, halving: ``[64, 32, 16, 8, 4]``.

    Raises:
        UserError: the size is no power of two, or below 32.
    """
    if size_px < 32 or size_px & (size_px - 1):
        raise UserError(f"size_px must be a power of two of at least 32, not {size_px}: take 64, 128 or 256.")
    return [size_px >> i for i in range(int(math.log2(size_px // smallest_px)) + 1)]


def _checked(size_px: int) -> int:
    return levels(size_px)[0]


PowerOfTwo = Annotated[int, AfterValidator(_checked)]
"""A side in pixels that `levels` takes: the type of that setting of every network that halves its picture."""
