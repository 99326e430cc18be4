import dataclasses
import math

import numpy as np
import pandas as pd
import pytest

from unveilify.evaluation.cache import Row
from unveilify.evaluation.evaluate import Evaluation
from unveilify.metrics.contract import Column
from unveilify.report.breakdown import breakdowns
from unveilify.report.config import ReportConfig
from unveilify.report.table import build

PSNR = Column("PSNR", "higher", "hole", "raw", "dB", 2)
LPIPS = Column("LPIPS", "lower", "hole", "raw", "", 4)


def row(label: str, kind: str, psnr: np.ndarray) -> Row:
    frame = pd.DataFrame({"key": [f"{i}" for i in range(40)], "identity": [f"p{i // 2}" for i in range(40)]})
    frame[PSNR.key] = psnr
    frame[LPIPS.key] = math.nan
    return Row(label, kind, frame, {}, np.zeros((40, 0), np.float32))


@pytest.fixture
def evaluation() -> Evaluation:
    base = np.random.default_rng(0).normal(15, 2, 40)
    rows = [
        row("truth", "truth", np.full(40, 100.0)),
        row("copy", "rival", base),
        row("mean", "rival", base + 3),
        row("ours", "trained", base + 5),
        row("twin", "trained", base + 5.001),
        row("ours / stranger", "stranger", base + 9),
    ]
    people = rows[0].frame["identity"]
    facts = pd.DataFrame({"key": rows[0].frame["key"], "identity": people, "group": people})
    facts = facts.assign(hole_share=0.25, style=["kf94", "cloth"] * 20, wear="proper", yaw=np.arange(40.0), others=1)
    return Evaluation([PSNR, LPIPS], {LPIPS.key: "The trunk is missing: get it."}, rows, facts, 64)


def test_neither_truth_nor_stranger_wins(evaluation: Evaluation) -> None:
    table = build(ReportConfig(), evaluation)
    assert table.best[PSNR.key] == ("ours", "twin"), "equal as shown are best together"


def test_says_who_is_told_where_the_mask_is(evaluation: Evaluation) -> None:
    for row, model in zip(evaluation.rows[1:], ("copy", "mean", "dmfn", "plus", "dmfn"), strict=True):
        row.about["model"] = model
    assert build(ReportConfig(), evaluation).told.startswith("mean, ours: told the true hole")


def test_rows_without_any_value_are_left_out_of_a_section(evaluation: Evaluation) -> None:
    evaluation.rows[3].about["cost"] = {"milliseconds": 3.0, "size_px": 64, "device": "x", "threads": 1, "runs": 2}
    table = build(ReportConfig(), evaluation)
    assert [line.label for line in table.under(table.of("cost"))] == ["ours"]
    assert len(table.under(table.of("hole"))) == len(evaluation.rows)


def test_difference_against_the_best_other_row(evaluation: Evaluation) -> None:
    evaluation.rows.pop(4)
    (found,) = build(ReportConfig(), evaluation).differences
    assert (found.label, found.against) == ("ours", "mean")
    assert found.estimate.mean == pytest.approx(2)
    assert found.estimate.low == pytest.approx(2)
    assert found.better
    assert not found.worse


def test_difference_against_a_named_row(evaluation: Evaluation) -> None:
    found = build(ReportConfig(against="copy"), evaluation).differences
    assert {(d.label, d.against) for d in found} == {("ours", "copy"), ("twin", "copy")}
    assert found[0].estimate.mean == pytest.approx(5)


def test_a_difference_that_rounds_to_nothing_is_open(evaluation: Evaluation) -> None:
    found = {d.label: d for d in build(ReportConfig(), evaluation).differences}
    assert not found["twin"].better
    assert not found["ours"].worse


def test_where_lower_is_better_a_negative_difference_is(evaluation: Evaluation) -> None:
    for kept in evaluation.rows:
        kept.frame[LPIPS.key] = -kept.frame[PSNR.key]
    evaluation.missing.clear()
    found = [d for d in build(ReportConfig(against="mean"), evaluation).differences if d.key == LPIPS.key]
    assert found[0].estimate.mean < 0
    assert found[0].better


def test_a_missing_judge_leaves_a_dash_and_its_reason(evaluation: Evaluation) -> None:
    table = build(ReportConfig(), evaluation)
    assert all(line.cells[LPIPS.key] is None for line in table.lines)
    assert "– The trunk is missing: get it." in table.notes
    assert table.best[LPIPS.key] == ()


def test_breakdown_by_what_the_source_says(evaluation: Evaluation) -> None:
    facts = evaluation.facts.assign(**{"meta.ethnicity": ["a", "b"] * 20, "meta.file": [f"{i}.jpg" for i in range(40)]})
    found = breakdowns(dataclasses.replace(evaluation, facts=facts), build(ReportConfig(), evaluation))
    assert {b.by for b in found} == {"style", "pose", "ethnicity"}


def test_breakdown_by_style_and_pose_adds_up(evaluation: Evaluation) -> None:
    table = build(ReportConfig(), evaluation)
    found = {b.by: b for b in breakdowns(evaluation, table)}
    assert set(found) == {"style", "pose"}, "a single wear is no breakdown"
    for breakdown in found.values():
        assert sum(count for _, count, _ in breakdown.rows) == 40
    style = {name: cells for name, _, cells in found["style"].rows}
    copy = evaluation.rows[1].frame[PSNR.key].to_numpy()
    assert style["kf94"][1].mean == pytest.approx(copy[::2].mean())


def test_breakdown_by_any_column_that_the_source_brought(evaluation: Evaluation) -> None:
    """As the Face Research Lab London Set does with sex, age and ethnicity; one photo says nothing."""
    rng = np.random.default_rng(0)
    facts = evaluation.facts.assign(
        **{
            "meta.sex": ["female", "male"] * 20,
            "meta.ethnicity": ["white"] * 20 + ["east_asian"] * 19 + [None],
            "meta.age": [math.nan, *rng.integers(18, 55, 39)],
            "meta.weight": [None, *rng.integers(40, 90, 39).astype(str)],
            "meta.session": [1, 2] * 20,
            "meta.file": [f"{i}.jpg" for i in range(40)],
        },
        hole_share=np.linspace(0.1, 0.4, 40),
    )
    found = {
        b.by: b for b in breakdowns(dataclasses.replace(evaluation, facts=facts), build(ReportConfig(), evaluation))
    }
    assert set(found) == {"hole share", "style", "pose", "sex", "ethnicity", "age", "weight", "session"}, "no names"
    assert len(found["weight"].rows) == 4, "numbers come as words from a table of people"
    assert [(name, count) for name, count, _ in found["ethnicity"].rows] == [
        *(("unknown", 1), ("east_asian", 19), ("white", 20))
    ]
    assert next(count for _, count, _ in found["age"].rows) == 1
    assert sum(count for _, count, _ in found["age"].rows) == 40
    assert [name for name, _, _ in found["session"].rows] == ["1", "2"]
    assert all(12 <= count <= 14 for _, count, _ in found["hole share"].rows)
    women = evaluation.rows[1].frame[PSNR.key][::2].mean()
    assert found["sex"].rows[0][2][1].mean == pytest.approx(women)
