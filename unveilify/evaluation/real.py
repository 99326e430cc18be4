"""Measure every row on real masked photos, where there is no truth to compare with.

Two questions are left. Does the output look more like the person's other photos than the masked input does? And is
a mask still to be seen?
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from unveilify.core import progress
from unveilify.core.records import Image
from unveilify.core.sample import Sample
from unveilify.core.storage import canonical_json, sha256_bytes
from unveilify.evaluation import cache, mask_finder, real_photos, still_masked
from unveilify.evaluation.cache import Row
from unveilify.evaluation.config import EvaluateConfig, RealConfig
from unveilify.evaluation.evaluate import Bench
from unveilify.evaluation.real_photos import RealFaces, RealPhotos
from unveilify.evaluation.still_masked import Judge
from unveilify.evaluation.systems import Given, Predictions, Trained, Truth
from unveilify.metrics.columns.identity import Metric as Identity
from unveilify.models.system import System, predict
from unveilify.shards.reader import ShardSet

VERSION = 3
"""Raised whenever the same outputs would score differently."""

OTHERS, MASKED = "identity_to_others", "still_masked"


@dataclass(frozen=True)
class RealBench:
    """What the rows are measured with: the photos, the settings, the metrics, the shards (for the judge of masks)."""

    config: RealConfig
    settings: EvaluateConfig
    photos: RealPhotos
    bench: Bench
    shards: ShardSet

    @property
    def metric(self) -> Identity | None:
        """The recogniser that measures, where there is one."""
        metric = self.bench.metrics.get("identity")
        return metric if isinstance(metric, Identity) and metric.unavailable() is None else None


@dataclass(frozen=True)
class RealEvaluation:
    """Rows on the same real photos, in the columns `OTHERS` (a cosine) and `MASKED` (above 0: a mask is there).

    The first row is ``copy``, the masked input itself; then the identity image, as if it were an output. ``finder``
    told the rows ``told`` where the mask is; ``left_out`` says which rows are not here and why. ``caught`` is the
    share of the masked inputs that the judge of masks calls masked, ``mistaken`` that of the ``bare`` unmasked
    photos of the same people. ``data`` is the hash of the photos; ``recogniser`` is empty where there is none.
    """

    rows: list[Row]
    faces: RealFaces
    recogniser: str
    finder: Trained
    told: tuple[str, ...]
    caught: float
    mistaken: float
    bare: int
    data: str
    left_out: dict[str, str] = field(default_factory=dict)

    def predict(self, system: System, samples: Sequence[Sample]) -> list[Image]:
        """Outputs for some of the samples."""
        return predict(system, _told(system, self.finder, samples)).pictures


def evaluate(real: RealBench, systems: Sequence[tuple[System, Path]], *, fresh: bool = False) -> RealEvaluation:
    """Measure the systems that can work on real photos; rows kept beside each from an earlier run are taken."""
    faces = real_photos.align(real.photos, real.config, real.settings.others, real.bench.samples.size_px)
    judge = still_masked.fit(real.shards.split("train"), real.bench.samples.size_px)
    guide = mask_finder.named(real.config.finder, [s for s, _ in systems], faces.samples[0], real.bench.device)
    left_out: dict[str, str] = {}
    rows: list[Row] = []
    told = []
    for system, folder in _in_order(systems):
        if isinstance(system, Predictions | Truth):
            left_out[system.label] = "it has no outputs for these photos"
            continue
        if mask_finder.is_told(system):
            told.append(system.label)
        name = _name(real, system, guide)
        row = None if fresh else cache.load(folder, name, system.label, system.kind)
        if row is None:
            row = _measure(real, faces, judge, system, guide)
            cache.save(folder, name, row)
        rows.append(row)
    bare = {id(image): image for sample in faces.samples for image in (*sample.identity, *sample.others)}
    caught = next(row.frame[MASKED] for row in rows if row.label == "copy")
    return RealEvaluation(
        rows=rows,
        faces=faces,
        recogniser=real.metric.judge if real.metric else "",
        finder=guide,
        told=tuple(told),
        caught=float((caught > 0).mean()),
        mistaken=float((judge.score(list(bare.values())) > 0).mean()) if bare else float("nan"),
        bare=len(bare),
        data=real.photos.hash,
        left_out={label: why for label, why in left_out.items() if label != "truth"},
    )


def _in_order(systems: Sequence[tuple[System, Path]]) -> list[tuple[System, Path]]:
    """``copy`` first, then the identity image itself, then the rest as they come."""
    copies = [pair for pair in systems if pair[0].label == "copy"]
    given: list[tuple[System, Path]] = [(Given(), folder) for _, folder in copies[:1]]
    return copies + given + [pair for pair in systems if pair[0].label != "copy"]


def _told(system: System, guide: Trained, samples: Sequence[Sample]) -> Sequence[Sample]:
    return mask_finder.with_holes(guide, samples) if mask_finder.is_told(system) else samples


def _name(real: RealBench, system: System, guide: Trained) -> str:
    """File name of a kept row: a hash of all that its values depend on."""
    parts: list[Any] = [
        "real",
        VERSION,
        system.identity,
        guide.identity if mask_finder.is_told(system) else None,
        real.photos.hash,
        real.shards.hash,
        real.bench.samples.size_px,
        real.metric.judge if real.metric else None,
        real.settings.others,
        real.config.given,
        real.config.landmarks,
    ]
    return sha256_bytes(canonical_json(parts))[:20]


def _measure(real: RealBench, faces: RealFaces, judge: Judge, system: System, guide: Trained) -> Row:
    samples, step = faces.samples, real.settings.batch_size
    lines: list[dict[str, Any]] = []
    with progress.track(f"measure {system.label} on real photos", len(samples), "photos") as line:
        for begin in range(0, len(samples), step):
            batch = samples[begin : begin + step]
            outputs = predict(system, _told(system, guide, batch)).pictures
            if real.metric is not None:  # all at once is faster, and what was embedded is remembered
                real.metric.embed([*outputs, *(photo for sample in batch for photo in sample.others)])
            for sample, output, masked in zip(batch, outputs, judge.score(outputs), strict=True):
                cosine = _cosine(real.metric, sample, output)
                lines.append({"key": sample.key, "identity": sample.person, OTHERS: cosine, MASKED: masked})
            line.advance(len(batch))
    frame = pd.DataFrame(lines)
    if isinstance(system, Given):
        frame.loc[[not sample.real for sample in samples], [OTHERS, MASKED]] = float("nan")
    return Row(system.label, system.kind, frame, {}, np.zeros((len(frame), 0), np.float32))


def _cosine(metric: Identity | None, sample: Sample, output: Image) -> float:
    """Mean cosine of an output to the photos of the person that were not given."""
    if metric is None or not sample.others:
        return float("nan")
    return float((metric.embed(sample.others) @ metric.embed([output])[0]).mean())
