from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from unveilify.evaluation.cache import Row
from unveilify.report.figures import Strip, curve_name, curves, extremes, grid, of_different_people
from unveilify.training.curves import read_log


def row(values: list[float]) -> Row:
    return Row("ours", "trained", pd.DataFrame({"score": values}), {}, np.zeros((len(values), 0), np.float32))


def test_extremes_are_best_median_and_worst() -> None:
    values = [5.0, 1.0, 9.0, float("nan"), 3.0, 7.0]
    assert extremes(row(values), "score", "higher", 1) == {"best": [2], "median": [0], "worst": [1]}
    assert extremes(row(values), "score", "lower", 1) == {"best": [1], "median": [0], "worst": [2]}


def test_extremes_of_few_do_not_overlap() -> None:
    found = extremes(row([1.0, 2.0, 3.0, 4.0]), "score", "higher", 3)
    every = [n for indices in found.values() for n in indices]
    assert len(every) == len(set(every)) == 3


def test_chosen_people_differ_and_never_change() -> None:
    people = np.repeat([f"p{i}" for i in range(10)], 3)
    wanted = of_different_people(people, 5)
    assert wanted == of_different_people(people, 5)
    assert len({people[n] for n in wanted}) == 5
    assert len(set(of_different_people(people, 20))) == 20, "more than there are people"


def test_grid_is_a_picture_and_equal_bytes(tmp_path: Path) -> None:
    picture = np.full((32, 32, 3), (200, 30, 30), np.uint8)
    strips = [Strip("key", "", (("masked", picture), ("a-very-long-name-of-a-run_of_ours", picture)))] * 2
    grid(tmp_path / "a.png", strips)
    grid(tmp_path / "b.png", strips)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    drawn = cv2.imread(str(tmp_path / "a.png"))
    height, width = drawn.shape[:2]
    assert (drawn[int(height * 0.75), int(width * 0.25)] == (30, 30, 200)).all()


def test_curves_from_a_log_with_a_cut_line(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    lines = ['{"step": 1, "l1": 0.5, "val": {"psnr": 20}}', '{"step": 2, "l1": null, "on": true}']
    lines += ['{"step": 3, "l1": 0.2, "val": {"psnr": 21}}', '{"st']
    log.write_text("\n".join(lines))
    series = read_log(log)
    assert set(series) == {"l1", "val.psnr"}
    assert series["l1"][0].tolist() == [1, 3]
    assert curves(log, tmp_path / "curves.png")
    assert cv2.imread(str(tmp_path / "curves.png")) is not None


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "row",
    [
        '{"step": %d, "l1": 1e308, "fine": 1}',
        '{"step": %d, "l1": -1e308, "fine": 1}',
        '{"step": %d, "l1": ' + "9" * 400 + ', "fine": 1}',
        '{"step": %d, "l1": Infinity, "fine": 1}',
        '{"step": %d, "fine": 1, ' + ", ".join(f'"x{i}": 1' for i in range(2000)) + "}",
        '{"step": %d, "$\\\\frac{$\\u001b": 1, "fine": 1}',
    ],
    ids=["large", "small", "long", "infinite", "many", "latex"],
)
def test_a_log_of_another_world_stops_no_report(tmp_path: Path, row: str) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text("\n".join([*(row % step for step in range(3)), '{"step": 1e308, "fine": 2}']))
    assert read_log(log)["fine"][0].tolist() == [0, 1, 2]
    assert "l1" not in read_log(log)
    assert curves(log, tmp_path / "curves.png")
    drawn = cv2.imread(str(tmp_path / "curves.png"))
    assert drawn is not None
    assert drawn.size < 1e8


@pytest.mark.parametrize("text", ["", "no json\n", '{"step": 1}\n'])
def test_no_curves_from_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "log.jsonl").write_text(text)
    assert not curves(tmp_path / "log.jsonl", tmp_path / "curves.png")
    assert not curves(tmp_path / "none.jsonl", tmp_path / "curves.png")


def test_curves_have_the_names_that_people_know() -> None:
    assert curve_name("val_psnr") == "validation: PSNR [dB]"
    assert curve_name("lr_g") == "learning rate of the generator"
    assert curve_name("of_somebody_else") == "of somebody else"
