"""Measure every row of the table on the same test triplets."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pandas as pd
import torch

from unveilify.core import plugins
from unveilify.core.batch import Batch
from unveilify.core.sample import Sample
from unveilify.core.storage import canonical_json, sha256_bytes
from unveilify.evaluation import cache, timing
from unveilify.evaluation.cache import Row, Vectors
from unveilify.evaluation.config import EvaluateConfig
from unveilify.evaluation.measure import Subject, forget, measure
from unveilify.evaluation.samples import Samples
from unveilify.evaluation.statistics import Verification, kernel_distance, verify
from unveilify.evaluation.systems import CONTROLS, Trained, Untrained
from unveilify.metrics.columns.identity import Metric as Identity
from unveilify.metrics.contract import Column, Metric
from unveilify.models.system import System

VERSION = 4
"""Raised whenever the same outputs would score differently, so that kept rows are measured again."""

PHOTOS = 5
"""Masked test pictures, as they are stored, that stand in for photos when a whole removal is timed."""


@dataclass(frozen=True)
class Evaluation:
    """All rows on the same triplets; ``missing`` says for a column why it has no values.

    ``facts``: one line per triplet: key, identity, group (what intervals resample), hole_share, style, wear, yaw in
    degrees, others (their number), and what the source says in words or numbers, as ``meta.<name>``.
    ``unfinished`` says of the rows whose training is not, how far it is.
    ``verification`` and ``distances`` (to the truth, `kernel_distance`) by label, where a recogniser is at hand.
    """

    columns: list[Column]
    missing: dict[str, str]
    rows: list[Row]
    facts: pd.DataFrame
    size_px: int
    verification: dict[str, Verification] = field(default_factory=dict)
    distances: dict[str, float] = field(default_factory=dict)
    unfinished: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Bench:
    """What every row is measured with: the samples, the hash of their shards, the metrics, the torch device."""

    samples: Samples
    data: str
    metrics: dict[str, Metric]
    device: str

    @property
    def columns(self) -> list[Column]:
        """The columns of all metrics."""
        return [column for metric in self.metrics.values() for column in metric.columns()]

    @property
    def missing(self) -> dict[str, str]:
        """Why a column has no values, by its key."""
        return {c.key: why for m in self.metrics.values() if (why := m.unavailable()) for c in m.columns()}


def evaluate(
    config: EvaluateConfig, bench: Bench, systems: Sequence[tuple[System, Path]], *, fresh: bool = False
) -> Evaluation:
    """Measure each system, or take what its folder keeps from an earlier run on the same weights and data.

    ``fresh`` measures again what is kept. The order of the samples, and so of every sum, is fixed.
    """
    names = [row_name(config, bench, system) for system, _ in systems]
    kept = [
        None if fresh else cache.load(folder, name, system.label, system.kind)
        for name, (system, folder) in zip(names, systems, strict=True)
    ]
    todo = [Subject(*pair, name) for pair, name, row in zip(systems, names, kept, strict=True) if row is None]
    new = iter(measure(config, bench.samples, bench.metrics, todo, fresh=fresh))
    rows = []
    for (system, folder), name, found in zip(systems, names, kept, strict=True):
        row = found
        if row is None:
            row = next(new)
            row = replace(row, about=_about(config, bench, system))
            cache.save(folder, name, row)
            forget(folder, name, len(bench.samples), config)
        rows.append(replace(row, about=row.about | _times(config, bench, system, folder, fresh=fresh)))
    told, others = look(bench.samples, bench.metrics.get("identity"))
    return Evaluation(
        columns=bench.columns,
        missing=bench.missing,
        rows=rows,
        facts=told,
        size_px=bench.samples.size_px,
        verification=_verification(rows, bench.samples, others),
        distances=_distances(rows),
        unfinished={s.label: s.unfinished for s, _ in systems if isinstance(s, Trained) and s.unfinished},
    )


def load_metrics(config: EvaluateConfig, device: str) -> dict[str, Metric]:
    """The metrics that the config names, or all there are, in the order in which a table shows them."""
    first = ["psnr", "ssim", "lpips", "identity"]
    there = plugins.names("metric")
    names = config.metrics or [n for n in first if n in there] + [n for n in there if n not in first]
    return {name: cast(Metric, plugins.load("metric", name).Metric(device)) for name in names}


def row_name(config: EvaluateConfig, bench: Bench, system: System) -> str:
    """File name of a kept row: a hash of all that its values depend on."""
    parts = {
        "version": VERSION,
        "subject": system.identity,
        "data": bench.data,
        "size_px": bench.samples.size_px,
        "columns": [column.key for column in bench.columns],
        "missing": sorted(bench.missing),
        "config": config.model_dump(mode="json", include={"split", "triplets", "given", "others"}),
    }
    return sha256_bytes(canonical_json(parts))[:20]


def look(samples: Samples, metric: Metric | None) -> tuple[pd.DataFrame, list[Vectors] | None]:
    """What each triplet is, see `Evaluation`; and, where a recogniser is at hand, how it sees the person's other photos."""
    judge = metric if isinstance(metric, Identity) and metric.unavailable() is None else None
    told, others = [], []
    for sample, group in zip(samples, samples.groups, strict=True):
        told.append(_facts(sample, str(group)))
        if judge is not None:
            others.append(judge.embed(sample.others or (sample.unmasked,))[: len(sample.others)])
    return pd.DataFrame(told), others if judge is not None else None


def _facts(sample: Sample, group: str) -> dict[str, Any]:
    mask = sample.meta.get("mask") or {}
    pose = sample.meta.get("pose") or sample.meta.get("quality") or {}
    told = (sample.meta.get("meta") or {}).items()
    about = {f"meta.{k}": v for k, v in told if isinstance(v, str | int | float) and not isinstance(v, bool)}
    return {
        "key": sample.key,
        "identity": sample.person,
        "group": group,
        "hole_share": float(sample.hole.mean()),
        "style": _name(mask.get("style")),
        "wear": _name(mask.get("wear")),
        "yaw": float(pose.get("yaw", "nan")),
        "others": len(sample.others),
        **about,
    }


def _name(value: Any) -> str:
    """A recipe names a style or wear either plainly or by the ``name`` among its parameters."""
    return str(value.get("name", "") if isinstance(value, dict) else value or "")


def _about(config: EvaluateConfig, bench: Bench, system: System) -> dict[str, Any]:
    """Model and settings of a row that is a network."""
    about: dict[str, Any] = {"label": system.label, "kind": system.kind, "triplets": len(bench.samples)}
    if isinstance(system, Untrained):
        about |= {"model": system.label, "model_config": system.config.model_dump(mode="json")}
    elif isinstance(system, Trained):
        stored = system.stored
        about |= {"model": stored.model, "model_config": stored.config.model_dump(mode="json"), "meta": stored.meta}
    return about


def _times(
    config: EvaluateConfig, bench: Bench, system: System, folder: Path, *, fresh: bool = False
) -> dict[str, Any]:
    """What a row that is a network costs on this machine; kept by device and threads, apart from what it scores."""
    if not isinstance(system, Untrained | Trained) or system.kind in CONTROLS:
        return {}
    machine = [timing.device_name(torch.device(bench.device)), torch.get_num_threads(), config.timing_runs]
    name = sha256_bytes(canonical_json(["times", row_name(config, bench, system), *machine]))[:20]
    kept = None if fresh else cache.load_facts(folder, name)
    if kept is None:
        kept = _measure_times(config, bench, system)
        cache.save_facts(folder, name, kept)
    return kept


def _measure_times(config: EvaluateConfig, bench: Bench, system: Untrained | Trained) -> dict[str, Any]:
    runs = system.system
    batch = Batch.of([bench.samples[0].sized(runs.size_px)]).to(bench.device)
    found: dict[str, Any] = {"cost": timing.measure(runs, batch, runs=config.timing_runs).to_json()}
    if isinstance(system, Trained) and not system.told:
        photos = [bench.samples.stored(n) for n in range(min(PHOTOS, len(bench.samples)))]
        pairs = [(t.masked, t.identity[0] if t.real else None) for t in photos]
        found["photo"] = timing.photo_to_photo(runs, pairs, runs=config.timing_runs)
    return found


def _verification(rows: Sequence[Row], samples: Samples, others: list[Vectors] | None) -> dict[str, Verification]:
    if others is None:
        return {}
    people = [str(name) for name in samples.identities]
    return {row.label: verify(row.vectors, people, others) for row in rows}


def _distances(rows: Sequence[Row]) -> dict[str, float]:
    truth = next((row.vectors for row in rows if row.kind == "truth"), None)
    if truth is None or not truth.shape[1]:
        return {}
    return {row.label: kernel_distance(row.vectors, truth) for row in rows}
