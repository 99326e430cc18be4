"""Means of one column by hole share, mask style, wear, pose, and by whatever the source says of a photo."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from unveilify.evaluation.evaluate import Evaluation
from unveilify.evaluation.statistics import Estimate, interval
from unveilify.report.table import Head, Table

YAW_EDGES = (10.0, 25.0)
"""Degrees: frontal below the first, turned up to the second, far turned above."""

FEW_NUMBERS = 6
"""More different numbers than this, such as ages, are put into thirds."""

MOST_GROUPS = 24
"""More groups than this are names, not kinds."""


@dataclass(frozen=True, slots=True)
class Breakdown:
    """``head`` by ``by``: rows of (group, triplets, one estimate for each of ``labels``)."""

    head: Head
    by: str
    labels: tuple[str, ...]
    rows: list[tuple[str, int, list[Estimate | None]]]


def breakdowns(evaluation: Evaluation, table: Table) -> list[Breakdown]:
    """For the main columns of the hole and of identity; what is the same, or different, everywhere is left out."""
    heads = [head for head in table.heads if head.main and head.section in ("hole", "identity")]
    facts = evaluation.facts
    groups = {
        "hole share": _thirds(100 * facts["hole_share"].to_numpy(np.float64), " % of the picture"),
        "style": facts["style"].to_numpy(dtype=np.str_),
        "wear": facts["wear"].to_numpy(dtype=np.str_),
        "pose": _poses(facts["yaw"].to_numpy(np.float64)),
    }
    said = [name for name in facts if str(name).startswith("meta.")]
    groups |= {str(name).removeprefix("meta."): _kinds(facts[name]) for name in said}
    return [
        _one(evaluation, table, head, by, names)
        for by, names in groups.items()
        if 1 < len(set(names.tolist())) <= MOST_GROUPS
        for head in heads
        if head.key not in evaluation.missing
    ]


def _one(evaluation: Evaluation, table: Table, head: Head, by: str, names: npt.NDArray[np.str_]) -> Breakdown:
    rows: list[tuple[str, int, list[Estimate | None]]] = []
    people = evaluation.facts["group"].to_numpy(np.str_)
    for name in sorted(set(names.tolist())):
        there = names == name
        cells: Sequence[Estimate | None] = [
            interval(row.frame[head.key].to_numpy(np.float64)[there], people[there]) for row in evaluation.rows
        ]
        rows.append((name or "unknown", int(there.sum()), list(cells)))
    return Breakdown(head, by, tuple(table.name(row.label) for row in evaluation.rows), rows)


def _kinds(said: "pd.Series[Any]") -> npt.NDArray[np.str_]:
    """Words as they are; numbers, written out too, in thirds if there are many; nothing where nothing is said."""
    numbers = pd.to_numeric(said, errors="coerce")
    if numbers.notna().equals(said.notna()) and numbers.nunique() > FEW_NUMBERS:
        return _thirds(numbers.to_numpy(np.float64))
    return said.astype(object).where(said.notna(), "").astype(str).to_numpy(dtype=np.str_)


def _thirds(values: npt.NDArray[np.float64], unit: str = "") -> npt.NDArray[np.str_]:
    """Each value's third of the triplets, in words that sort; nothing for NaN."""
    there = np.isfinite(values)
    if not there.any():
        return np.full(len(values), "")
    edges = np.quantile(values[there], [1 / 3, 2 / 3])
    words = np.array(
        [f"lowest third, up to {edges[0]:.3g}{unit}", f"middle third, up to {edges[1]:.3g}{unit}", "upper third", ""]
    )
    return words[np.where(there, np.digitize(values, edges, right=True), 3)]


def _poses(yaw: npt.NDArray[np.float64]) -> npt.NDArray[np.str_]:
    words = np.array(
        [f"frontal (yaw up to {YAW_EDGES[0]:.0f}°)", f"turned (up to {YAW_EDGES[1]:.0f}°)", "far turned", ""]
    )
    bins = np.digitize(np.abs(yaw), YAW_EDGES, right=True)
    return words[np.where(np.isfinite(yaw), bins, 3)]
