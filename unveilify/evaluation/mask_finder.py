"""Where is the mask on a real photo? Nobody drew it, so a network that finds masks has to say: the one in the package."""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt
from torch import Tensor

from unveilify import weights
from unveilify.core.batch import Batch
from unveilify.core.errors import UserError
from unveilify.core.records import Image
from unveilify.core.sample import Sample, resize
from unveilify.evaluation.systems import CONTROLS, Trained, Untrained
from unveilify.models.system import System

WIDEN = 0.02
"""A found mask is widened by so much of the crop's side: a rim of cloth left over would be painted onward."""


def is_told(system: System) -> bool:
    """Whether a system's network must be told where the mask is."""
    return isinstance(system, Untrained | Trained) and system.told


def named(name: str | None, systems: Sequence[System], sample: Sample, device: str) -> Trained:
    """The mask finder in the package, or the row called ``name`` if its network says where a mask is.

    Raises:
        UserError: the one named cannot.
    """
    if name is None:
        return Trained("find", weights.fetch(weights.FINDER), device)
    rows = [s for s in systems if isinstance(s, Trained) and s.kind not in CONTROLS and s.label == name]
    if not rows or _alpha(rows[0], [sample]) is None:
        raise UserError(f"The row '{name}' cannot say where a mask is: name another as report.real.finder.")
    return rows[0]


def with_holes(finder: Trained, samples: Sequence[Sample]) -> list[Sample]:
    """The samples with an alpha of 255 where the finder's is above one half, `WIDEN`\\ ed, and 0 elsewhere."""
    alpha = _alpha(finder, samples)
    assert alpha is not None
    found = alpha[:, 0].float().cpu().numpy()
    return [replace(s, alpha=_widened(a, s.masked.shape[0])) for s, a in zip(samples, found, strict=True)]


def _alpha(finder: Trained, samples: Sequence[Sample]) -> Tensor | None:
    """Where it finds the mask, at its own size."""
    return finder.predict(Batch.of(samples).sized(finder.stored.config.size_px)).alpha


def _widened(alpha: npt.NDArray[np.float32], side: int) -> Image:
    hole = resize((alpha * 255).clip(0, 255).astype(np.uint8), side) > 127
    reach = 2 * round(WIDEN * side) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    return np.asarray(cv2.dilate(hole.astype(np.uint8) * 255, kernel), np.uint8)
