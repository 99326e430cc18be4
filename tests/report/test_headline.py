"""The sentences above all tables."""

from dataclasses import replace

from unveilify.evaluation.statistics import Estimate
from unveilify.report.headline import headlines
from unveilify.report.table import Difference, Head, Line, Table

PSNR = Head("psnr", "PSNR hole", "dB", "higher", 2, "hole", True)
LPIPS = Head("lpips", "LPIPS", "", "lower", 3, "whole picture", True)
EMPTY = Head("identity", "identity to others", "", "higher", 3, "identity", True)


def estimate(mean: float, low: float = float("nan"), high: float = float("nan")) -> Estimate:
    return Estimate(mean, low, high, 9, 3)


def line(label: str, kind: str, psnr: float, lpips: float) -> Line:
    return Line(label, kind, {"psnr": estimate(psnr), "lpips": estimate(lpips), "identity": None}, {})


def table(*differences: Difference, **best: tuple[str, ...]) -> Table:
    lines = [line("copy", "rival", 12, 0.2), line("a", "trained", 21.5, 0.03), line("b", "trained", 21, 0.02)]
    facts = {"triplets": 9, "identities": 3, "groups": 3}
    return Table([EMPTY, PSNR, LPIPS], lines, {"identity": ()} | best, list(differences), [], facts)


def test_who_won_by_how_much_and_whether_it_means_anything() -> None:
    up = Difference("a", "b", "psnr", estimate(0.5, 0.2, 0.8), True, False)
    down = Difference("b", "a", "lpips", estimate(-0.01, -0.03, 0.01), False, False)
    psnr, lpips, measured = headlines(table(up, down, psnr=("a",), lpips=("b",)))
    assert psnr == (
        "PSNR hole: a is best, 21.50 dB; that is 0.50 [0.20, 0.80] dB above b, more than chance would give."
    )
    assert lpips == "LPIPS: b is best, 0.020; that is 0.010 [-0.010, 0.030] below a, which may be chance."
    assert "9 triplets of 3 people" in measured


def test_a_baseline_that_wins_is_compared_with_the_nearest_that_was_trained() -> None:
    far = Difference("a", "copy", "psnr", estimate(-3, -4, -2), False, True)
    near = Difference("b", "copy", "psnr", estimate(-1, -2, -0.5), False, True)
    first = headlines(table(far, near, psnr=("copy",), lpips=()))[0]
    assert first == "PSNR hole: no row is better than the masked photo as it is (12.00 dB)."
    renamed = table(replace(far, against="mean"), replace(near, against="mean"), psnr=("mean",), lpips=())
    renamed.lines.append(line("mean", "rival", 22, 0.2))
    assert headlines(renamed)[0] == (
        "PSNR hole: mean is best, 22.00 dB; that is 1.00 [0.50, 2.00] dB above b, the nearest that was trained, "
        "more than chance would give."
    )


def test_rows_that_are_equal_as_shown() -> None:
    assert headlines(table(psnr=("a", "b"), lpips=()))[0] == "PSNR hole: a and b are equal, 21.50 dB."


def test_nothing_is_said_where_nothing_competes() -> None:
    assert headlines(table(psnr=(), lpips=())) == []


def test_a_column_under_which_nothing_stands_is_not_shown() -> None:
    shown = table(psnr=(), lpips=())
    assert shown.of("identity") == []
    assert shown.main == [PSNR, LPIPS]
    assert EMPTY in shown.heads
