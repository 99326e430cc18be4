"""From measured rows to the numbers of the table: means, intervals, best values, paired differences."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from unveilify.evaluation.cache import Row
from unveilify.evaluation.evaluate import Evaluation
from unveilify.evaluation.statistics import Estimate, interval, paired
from unveilify.evaluation.systems import CONTROLS
from unveilify.metrics.contract import Better
from unveilify.report.config import ReportConfig
from unveilify.report.notes import DASH, SCORED, facts, notes

ARROWS = {"higher": "↑", "lower": "↓", "neither": ""}

Section = Literal["whole picture", "hole", "identity", "cost", "real photos"]

PALE = ("truth", *CONTROLS)
SECTIONS: tuple[Section, ...] = ("whole picture", "hole", "identity", "cost")


@dataclass(frozen=True, slots=True)
class Head:
    """The head of one column."""

    key: str
    title: str
    unit: str
    better: Better
    digits: int
    section: Section
    main: bool

    @property
    def text(self) -> str:
        """Title with an arrow for the better direction, and the unit."""
        arrow = f" {ARROWS[self.better]}" if self.better != "neither" else ""
        return f"{self.title}{arrow}{f' [{self.unit}]' if self.unit else ''}"


@dataclass(frozen=True, slots=True)
class Line:
    """One row: a value for every head; None where there is none to give.

    ``unfinished`` says how far its training is, where that is not finished; ``name`` is what people are shown.
    """

    label: str
    kind: str
    cells: dict[str, Estimate | None]
    about: dict[str, Any]
    unfinished: str = ""

    @property
    def name(self) -> str:
        """The label, marked where the training is not finished."""
        return f"{self.label} ({self.unfinished})" if self.unfinished else self.label


@dataclass(frozen=True, slots=True)
class Difference:
    """``label`` minus ``against`` on the same triplets in one column; ``better``: the interval says so.

    A difference that rounds to zero in the table's digits is neither better nor worse.
    """

    label: str
    against: str
    key: str
    estimate: Estimate
    better: bool
    worse: bool

    @property
    def verdict(self) -> str:
        """What people are told."""
        return "better" if self.better else "worse" if self.worse else "open"


@dataclass(frozen=True)
class Table:
    """All that the formats need. ``best``: labels of the best competing rows by column, equal as shown."""

    heads: list[Head]
    lines: list[Line]
    best: dict[str, tuple[str, ...]]
    differences: list[Difference]
    notes: list[str]
    facts: dict[str, Any] = field(default_factory=dict)

    def of(self, section: Section) -> list[Head]:
        """The heads of one section under which anything stands."""
        return [head for head in self.heads if head.section == section and self._holds(head)]

    @property
    def main(self) -> list[Head]:
        """The heads of the short table under which anything stands."""
        return [head for head in self.heads if head.main and self._holds(head)]

    def _holds(self, head: Head) -> bool:
        return any(text(head, line.cells[head.key]) != DASH for line in self.lines)

    def head(self, key: str) -> Head:
        """The head of one column."""
        return next(head for head in self.heads if head.key == key)

    def under(self, heads: Sequence[Head]) -> list[Line]:
        """The lines that have a value under any of these heads."""
        return [line for line in self.lines if any(text(head, line.cells[head.key]) != DASH for head in heads)]

    def name(self, label: str) -> str:
        """What people are shown for a row."""
        return next((line.name for line in self.lines if line.label == label), label)

    @property
    def over(self) -> str:
        """What the intervals resample."""
        groups, people = self.facts["groups"], self.facts["identities"]
        return "people" if groups == people else f"{groups} groups of people, such as families"

    @property
    def told(self) -> str:
        """A sentence on who knows where the mask is and who has to find it; empty where all have to."""
        labels = self.facts["told"]
        return f"{', '.join(labels)}: told the true hole; other networks find the mask themselves." if labels else ""


COST = (
    Head("auc", "verification AUC", "", "higher", 3, "identity", False),
    Head("tar", "TAR at FAR 0.001", "", "higher", 3, "identity", False),
    Head("distance", "kernel distance to the truth ×1000", "", "lower", 1, "identity", False),
    Head("size_px", "side", "px", "neither", 0, "cost", False),
    Head("milliseconds", "time", "ms", "neither", 1, "cost", True),
    Head("photo_milliseconds", "time photo to photo", "ms", "neither", 1, "cost", True),
    Head("parameters", "parameters", "M", "neither", 2, "cost", False),
    Head("gmac", "multiply-accumulates", "GMAC", "neither", 2, "cost", False),
)


def build(config: ReportConfig, evaluation: Evaluation, doubts: Sequence[str] = ()) -> Table:
    """Sum up the measured rows; ``doubts`` are added to the notes."""
    heads = _heads(evaluation)
    lines = [_line(config, evaluation, row) for row in evaluation.rows]
    best = {head.key: _winners(head, lines) for head in heads}
    differences = [
        found
        for row in evaluation.rows
        if row.kind in ("trained", "predictions")
        for head in heads
        if head.section != "cost" and (found := _difference(config, evaluation, row, head, lines))
    ]
    return Table(heads, lines, best, differences, notes(evaluation, doubts), facts(evaluation))


def text(head: Head, estimate: Estimate | None, *, with_interval: bool = False) -> str:
    """A cell: mean, optionally ``[low, high]``; an en dash where there is no value."""
    if estimate is None or not math.isfinite(estimate.mean):
        return DASH
    mean = f"{estimate.mean:.{head.digits}f}"
    if with_interval and math.isfinite(estimate.low):
        return f"{mean} [{estimate.low:.{head.digits}f}, {estimate.high:.{head.digits}f}]"
    return mean


def _heads(evaluation: Evaluation) -> list[Head]:
    heads = []
    for column in evaluation.columns:
        person = column.name.startswith("identity")
        section: Section = "identity" if person else "hole" if column.region == "hole" else "whole picture"
        main = column.picture == "raw" and not column.name.startswith(("identity to truth", "identity to given"))
        main = main and not (column.name == "specks" and section == "hole")
        heads.append(Head(column.key, column.title, column.unit, column.better, column.digits, section, main))
    return heads + list(COST)


def _line(config: ReportConfig, evaluation: Evaluation, row: Row) -> Line:
    settings = config.evaluate
    people = evaluation.facts["group"].to_numpy(dtype=np.str_)
    cells: dict[str, Estimate | None] = {
        column.key: None
        if column.key in evaluation.missing
        else interval(
            row.frame[column.key].to_numpy(np.float64), people, replicates=settings.replicates, seed=settings.seed
        )
        for column in evaluation.columns
    }
    cost = row.about.get("cost", {})
    verified = evaluation.verification.get(row.label)
    cells["auc"] = _plain(verified.auc) if verified else None
    cells["tar"] = _plain(verified.tar) if verified else None
    distance = evaluation.distances.get(row.label)
    cells["distance"] = None if distance is None else _plain(1000 * distance)
    for key in ("milliseconds", "size_px"):
        cells[key] = _plain(cost[key]) if cost else None
    photo = row.about.get("photo", {})
    cells["photo_milliseconds"] = _plain(photo["milliseconds"]) if photo else None
    for key in ("parameters", "gmac"):
        cells[key] = _plain(cost[key]) if cost.get("parameters") else None
    return Line(row.label, row.kind, cells, row.about, evaluation.unfinished.get(row.label, ""))


def _plain(value: float) -> Estimate | None:
    return Estimate(value, float("nan"), float("nan"), 1, 0) if math.isfinite(value) else None


def _best(head: Head, lines: Sequence[Line], without: str | None = None) -> str | None:
    if head.better == "neither":
        return None
    values = {
        line.label: cell.mean
        for line in lines
        if line.kind in SCORED and line.label != without and (cell := line.cells[head.key]) and np.isfinite(cell.mean)
    }
    if not values:
        return None
    pick = max if head.better == "higher" else min
    return pick(values, key=lambda label: values[label])


def _winners(head: Head, lines: Sequence[Line]) -> tuple[str, ...]:
    best = next((line for line in lines if line.label == _best(head, lines)), None)
    shown = text(head, best.cells[head.key]) if best else ""
    return tuple(line.label for line in lines if line.kind in SCORED and text(head, line.cells[head.key]) == shown)


def _difference(
    config: ReportConfig, evaluation: Evaluation, row: Row, head: Head, lines: Sequence[Line]
) -> Difference | None:
    label = config.against or _best(head, lines, without=row.label)
    other = next((r for r in evaluation.rows if r.label == label), None)
    if other is None or other.label == row.label or head.key not in row.frame or head.better == "neither":
        return None
    estimate = paired(
        row.frame[head.key].to_numpy(np.float64),
        other.frame[head.key].to_numpy(np.float64),
        evaluation.facts["group"].to_numpy(dtype=np.str_),
        replicates=config.evaluate.replicates,
        seed=config.evaluate.seed,
    )
    if not estimate.count:
        return None
    least = 0.5 * 10.0**-head.digits
    up, down = estimate.low > 0 and estimate.mean >= least, estimate.high < 0 and estimate.mean <= -least
    better, worse = (up, down) if head.better == "higher" else (down, up)
    return Difference(row.label, other.label, head.key, estimate, better, worse)
