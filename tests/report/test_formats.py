import csv
import io
import json
import re
from types import SimpleNamespace

import pytest

from unveilify.core.words import latex as tex
from unveilify.evaluation.statistics import Estimate
from unveilify.report.table import Head, text

HEAD = Head("psnr", "PSNR", "dB", "higher", 2, "hole", True)


def test_csv_is_rectangular_and_numeric(small_report: SimpleNamespace) -> None:
    rows = list(csv.reader(io.StringIO((small_report.out / "table.csv").read_text())))
    assert len({len(row) for row in rows}) == 1
    for row in rows[1:]:
        assert all(cell == "" or float(cell) is not None for cell in row[2:])


def test_json_has_the_interval_around_the_mean(small_report: SimpleNamespace) -> None:
    tree = json.loads((small_report.out / "table.json").read_text())
    for row in tree["rows"]:
        value = row["values"]["psnr_hole_raw"]
        assert value["low"] <= value["mean"] <= value["high"]
    assert tree["facts"]["hole_share"]["mean"] == pytest.approx(
        sum(20 * (10 + n) for n in range(4)) / 4 / 1024, rel=0.02
    )
    assert {source["title"] for source in tree["reported_elsewhere"]}


def test_markdown_tables_are_rectangular(small_report: SimpleNamespace) -> None:
    widths: dict[int, set[int]] = {}
    block = 0
    for line in (small_report.out / "table.md").read_text().splitlines():
        if line.startswith("|"):
            widths.setdefault(block, set()).add(len(re.findall(r"(?<!\\)\|", line)))
        else:
            block += 1
    assert len(widths) >= 6
    assert all(len(found) == 1 for found in widths.values())


def test_latex_has_as_many_cells_in_every_row(small_report: SimpleNamespace) -> None:
    source = (small_report.out / "table.tex").read_text()
    columns = re.search(r"\\begin\{tabular\}\{(l r*|lr*)\}", source)
    assert columns
    rows = [line for line in source.splitlines() if line.endswith(r"\\")]
    assert {len(re.findall(r"(?<!\\)&", row)) for row in rows} == {len(columns.group(1)) - 1}
    assert source.count("{") == source.count("}")
    assert r"\textbf{" in source


def test_latex_specials_are_escaped() -> None:
    assert tex("50 % of a_b & c") == r"50 \% of a\_b \& c"


def test_published_numbers_stand_apart(small_report: SimpleNamespace) -> None:
    text = (small_report.out / "table.md").read_text()
    head, _, tail = text.partition("## Reported elsewhere, by others, on other data")
    assert "27.04" in tail
    assert "27.04" not in head
    assert "Its LPIPS ran an AlexNet on raw" in tail


def test_cells() -> None:
    nan = float("nan")
    assert text(HEAD, Estimate(20.126, 19, 21.5, 9, 3)) == "20.13"
    assert text(HEAD, Estimate(20.126, 19, 21.5, 9, 3), with_interval=True) == "20.13 [19.00, 21.50]"
    assert text(HEAD, Estimate(20.126, nan, nan, 9, 1), with_interval=True) == "20.13"
    assert text(HEAD, None) == text(HEAD, Estimate(nan, nan, nan, 0, 0)) == "–"
