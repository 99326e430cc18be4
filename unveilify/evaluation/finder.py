"""Where is the mask on a real photo? Nobody drew it, so a network that finds masks has to say."""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt
import torch

from unveilify.core.errors import UserError
from unveilify.core.records import Image
from unveilify.evaluation.samples import Sample, resize
from unveilify.evaluation.subjects import CONTROLS, Rival, Subject, Trained, batch_of
from unveilify.models.parts.contract import Output, plugin

WIDEN = 0.02
"""A found mask is widened by so much of the crop's side: a rim of cloth left over would be painted onward."""


def is_told(subject: Subject) -> bool:
    """Whether a subject's network must be told where the mask is."""
    if isinstance(subject, Trained):
        return plugin(subject.stored.model).USES_HOLE
    return isinstance(subject, Rival) and plugin(subject.label).USES_HOLE


def choose(name: str | None, subjects: Sequence[Subject], sample: Sample) -> Trained | None:
    """The row called ``name``, or the first trained one whose network says where a mask is; None if none does.

    Raises:
        UserError: the one named cannot.
    """
    for subject in subjects:
        if not isinstance(subject, Trained) or subject.kind in CONTROLS or name not in (None, subject.label):
            continue
        if not is_told(subject) and _output(subject, [sample]).alpha is not None:
            return subject
    if name is not None:
        raise UserError(f"The row '{name}' cannot say where a mask is: name another as report.real.finder.")
    return None


def with_holes(finder: Trained, samples: Sequence[Sample]) -> list[Sample]:
    """The samples with an alpha of 255 where the finder's is above one half, `WIDEN`\\ ed, and 0 elsewhere."""
    alpha = _output(finder, samples).alpha
    assert alpha is not None
    found = alpha[:, 0].float().cpu().numpy()
    return [replace(s, alpha=_widened(a, s.masked.shape[0])) for s, a in zip(samples, found, strict=True)]


def _output(finder: Trained, samples: Sequence[Sample]) -> Output:
    stored = finder.stored
    with torch.inference_mode():
        output: Output = stored.network(batch_of(samples, stored.config.size_px, finder.device, uses_hole=False))
    return output


def _widened(alpha: npt.NDArray[np.float32], side: int) -> Image:
    hole = resize((alpha * 255).clip(0, 255).astype(np.uint8), side) > 127
    reach = 2 * round(WIDEN * side) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    return np.asarray(cv2.dilate(hole.astype(np.uint8) * 255, kernel), np.uint8)
