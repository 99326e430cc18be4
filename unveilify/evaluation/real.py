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
from unveilify.core.storage import canonical_json, sha256_bytes
from unveilify.evaluation import cache, finder, real_photos, still_masked
from unveilify.evaluation.cache import Row
from unveilify.evaluation.config import EvaluateConfig, RealConfig
from unveilify.evaluation.evaluate import Bench
from unveilify.evaluation.real_photos import RealFaces, RealPhotos
from unveilify.evaluation.samples import Sample
from unveilify.evaluation.still_masked import Judge
from unveilify.evaluation.subjects import Kind, Predictions, Subject, Trained, Truth
from unveilify.metrics.identity import Metric as Identity
from unveilify.shards.reader import ShardSet

VERSION = 1
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
    finder: Trained | None
    told: tuple[str, ...]
    caught: float
    mistaken: float
    bare: int
    data: str
    left_out: dict[str, str] = field(default_factory=dict)

    def paint(self, subject: Subject, samples: Sequence[Sample]) -> list[Image]:
        """Outputs for some of the samples."""
        return subject.paint(_told(subject, self.finder, samples))


@dataclass(frozen=True)
class Given:
    """The identity images themselves: what copying the person's photo as it is would score."""

    label: str = "identity image"
    kind: Kind = "truth"
    identity: str = "given"

    def paint(self, samples: Sequence[Sample]) -> list[Image]:
        """The first identity image of each; where there is none, the masked input."""
        return [sample.given[0] if sample.given else sample.masked for sample in samples]


def evaluate(real: RealBench, subjects: Sequence[tuple[Subject, Path]], *, fresh: bool = False) -> RealEvaluation:
    """Measure the subjects that can work on real photos; rows kept beside each from an earlier run are taken."""
    faces = real_photos.align(real.photos, real.config, real.settings.others, real.bench.samples.size_px)
    judge = still_masked.fit(real.shards.split("train"), real.bench.samples.size_px)
    guide = finder.choose(real.config.finder, [subject for subject, _ in subjects], faces.samples[0])
    left_out: dict[str, str] = {}
    rows: list[Row] = []
    told = []
    for subject, folder in _in_order(subjects):
        if isinstance(subject, Predictions | Truth):
            left_out[subject.label] = "it has no outputs for these photos"
            continue
        if finder.is_told(subject):
            if guide is None:
                left_out[subject.label] = "it must be told where the mask is, and no trained network here can say"
                continue
            told.append(subject.label)
        name = _name(real, subject, guide)
        row = None if fresh else cache.load(folder, name, subject.label, subject.kind)
        if row is None:
            row = _measure(real, faces, judge, subject, guide)
            cache.save(folder, name, row)
        rows.append(row)
    bare = {id(image): image for sample in faces.samples for image in (*sample.given, *sample.others)}
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


def _in_order(subjects: Sequence[tuple[Subject, Path]]) -> list[tuple[Subject, Path]]:
    """``copy`` first, then the identity image itself, then the rest as they come."""
    copies = [pair for pair in subjects if pair[0].label == "copy"]
    given: list[tuple[Subject, Path]] = [(Given(), folder) for _, folder in copies[:1]]
    return copies + given + [pair for pair in subjects if pair[0].label != "copy"]


def _told(subject: Subject, guide: Trained | None, samples: Sequence[Sample]) -> Sequence[Sample]:
    return finder.with_holes(guide, samples) if guide is not None and finder.is_told(subject) else samples


def _name(real: RealBench, subject: Subject, guide: Trained | None) -> str:
    """File name of a kept row: a hash of all that its values depend on."""
    parts: list[Any] = [
        "real",
        VERSION,
        subject.identity,
        guide.identity if guide is not None and finder.is_told(subject) else None,
        real.photos.hash,
        real.shards.hash,
        real.bench.samples.size_px,
        real.metric.judge if real.metric else None,
        real.settings.others,
        real.config.given,
        real.config.landmarks,
    ]
    return sha256_bytes(canonical_json(parts))[:20]


def _measure(real: RealBench, faces: RealFaces, judge: Judge, subject: Subject, guide: Trained | None) -> Row:
    samples, step = faces.samples, real.settings.batch_size
    lines: list[dict[str, Any]] = []
    with progress.track(f"measure {subject.label} on real photos", len(samples), "photos") as line:
        for begin in range(0, len(samples), step):
            batch = samples[begin : begin + step]
            outputs = subject.paint(_told(subject, guide, batch))
            if real.metric is not None:  # all at once is faster, and what was embedded is remembered
                real.metric.embed([*outputs, *(photo for sample in batch for photo in sample.others)])
            for sample, output, masked in zip(batch, outputs, judge.score(outputs), strict=True):
                cosine = _cosine(real.metric, sample, output)
                lines.append({"key": sample.key, "identity": sample.identity, OTHERS: cosine, MASKED: masked})
            line.advance(len(batch))
    frame = pd.DataFrame(lines)
    if isinstance(subject, Given):
        frame.loc[[not sample.given for sample in samples], [OTHERS, MASKED]] = float("nan")
    return Row(subject.label, subject.kind, frame, {}, np.zeros((len(frame), 0), np.float32))


def _cosine(metric: Identity | None, sample: Sample, output: Image) -> float:
    """Mean cosine of an output to the photos of the person that were not given."""
    if metric is None or not sample.others:
        return float("nan")
    return float((metric.embed(sample.others) @ metric.embed([output])[0]).mean())
