"""Landmarks of single pictures to the tensors of a batch."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from unveilify.core.landmark_rows import alike
from unveilify.core.landmarks import Points


def stacked(
    masked: Sequence[Points | None], identity: Sequence[Sequence[Points | None]]
) -> tuple[Tensor | None, Tensor | None]:
    """``landmarks`` (B, N, D) and ``identity_landmarks`` (B, K, N, D) of a `Batch`, on the CPU.

    Of every sample, the landmarks (N, D) of its masked picture and of each of K identity images, in shares of the
    picture's side. The first known ones say the scheme; what is of another, or unknown, is NaN. None if all are unknown.
    """
    like = next((points for points in masked if points is not None), None)
    if like is None:
        return None, None
    own = np.stack([alike(points, like) for points in masked])
    others = np.stack([np.stack([alike(points, like) for points in images]) for images in identity])
    return torch.from_numpy(own.astype(np.float32)), torch.from_numpy(others.astype(np.float32))
