"""Score what several systems make of the same triplets: each triplet is read once, and each truth is judged once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from unveilify.core import progress
from unveilify.core.records import Image
from unveilify.core.sample import Sample
from unveilify.evaluation import cache
from unveilify.evaluation.cache import Row, Vectors
from unveilify.evaluation.config import EvaluateConfig
from unveilify.evaluation.samples import Samples
from unveilify.metrics.columns.identity import Metric as Identity
from unveilify.metrics.contract import Comparison, Metric, composite
from unveilify.models.system import System, predict

PART = 128
"""About so many triplets are measured for all systems, and kept, before the next: what a kill loses."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A system to be measured, the folder that keeps its row, and the row's name there (`evaluate.row_name`)."""

    system: System
    folder: Path
    name: str


def measure(
    config: EvaluateConfig, samples: Samples, metrics: Mapping[str, Metric], subjects: Sequence[Subject], *, fresh: bool
) -> list[Row]:
    """The row of each subject, without ``about``; parts that an interrupted run has kept are not measured again."""
    found: list[list[Row]] = [[] for _ in subjects]
    if not subjects:
        return []
    with progress.track("measure", len(samples) * len(subjects), "triplets") as line:
        for part in _parts(len(samples), config):
            named = [_part_name(subject.name, part) for subject in subjects]
            kept = [
                None if fresh else cache.load(s.folder, name, s.system.label, s.system.kind)
                for s, name in zip(subjects, named, strict=True)
            ]
            line.advance(len(part) * sum(row is not None for row in kept), already=True)
            todo = [n for n, row in enumerate(kept) if row is None]
            new = dict(zip(todo, _rows(config, samples, metrics, [subjects[n] for n in todo], part, line), strict=True))
            for n, subject in enumerate(subjects):
                row = kept[n] or new[n]
                if n in new and len(part) < len(samples):
                    cache.save(subject.folder, named[n], row)
                found[n].append(row)
    return [
        Row(
            parts[0].label,
            parts[0].kind,
            pd.concat([part.frame for part in parts], ignore_index=True),
            {},
            np.concatenate([part.vectors for part in parts]),
        )
        for parts in found
    ]


def forget(folder: Path, name: str, count: int, config: EvaluateConfig) -> None:
    """Take the kept parts of a row away, which is whole now."""
    for part in _parts(count, config):
        cache.forget(folder, _part_name(name, part))


def _rows(
    config: EvaluateConfig,
    samples: Samples,
    metrics: Mapping[str, Metric],
    subjects: Sequence[Subject],
    part: range,
    line: progress.Line,
) -> list[Row]:
    """The rows of a part of the triplets, batch by batch for all systems."""
    live = [metric for metric in metrics.values() if metric.unavailable() is None]
    recogniser = next((metric for metric in live if isinstance(metric, Identity)), None)
    lines: list[list[dict[str, Any]]] = [[] for _ in subjects]
    vectors: list[list[Vectors]] = [[] for _ in subjects]
    for begin in part[:: config.batch_size] if subjects else ():
        batch = [samples[n] for n in range(begin, min(begin + config.batch_size, part.stop))]
        for n, subject in enumerate(subjects):
            outputs, comparisons = _outputs(subject.system, batch)
            found: list[dict[str, Any]] = [{"key": s.key, "identity": s.person} for s in batch]
            for metric in live:
                for values, more in zip(found, metric.measure(comparisons), strict=True):
                    values.update(more)
            lines[n] += found
            if recogniser is not None:
                vectors[n].append(recogniser.embed(outputs))
            line.advance(len(batch))
    columns = [column.key for metric in metrics.values() for column in metric.columns()]
    rows = []
    for subject, told, seen in zip(subjects, lines, vectors, strict=True):
        frame = pd.DataFrame(told)
        for key in columns:
            if key not in frame:
                frame[key] = float("nan")
        stacked = np.concatenate(seen) if seen else np.zeros((len(told), 0), np.float32)
        rows.append(Row(subject.system.label, subject.system.kind, frame, {}, stacked))
    return rows


def _outputs(system: System, batch: Sequence[Sample]) -> tuple[Sequence[Image], list[Comparison]]:
    predicted = predict(system, batch)
    outputs = predicted.pictures
    holes: Sequence[Image | None] = predicted.found or [None] * len(batch)
    return outputs, [_comparison(system, *row) for row in zip(batch, outputs, holes, strict=True)]


def _comparison(system: System, sample: Sample, output: Image, found: Image | None) -> Comparison:
    return Comparison(
        truth=sample.unmasked,
        masked=sample.masked,
        output=output,
        composited=composite(output, sample.masked, sample.hole),
        hole=sample.hole,
        others=sample.others,
        given={"stranger": sample.with_stranger().identity, "alone": ()}.get(system.kind, sample.identity),
        alpha=sample.alpha,
        found=found,
    )


def _parts(count: int, config: EvaluateConfig) -> Iterator[range]:
    """The numbers of the samples, cut where batches end."""
    size = max(1, PART // config.batch_size) * config.batch_size
    return (range(begin, min(begin + size, count)) for begin in range(0, count, size))


def _part_name(name: str, part: range) -> str:
    return f"{name}-{part.start}-{part.stop}"
