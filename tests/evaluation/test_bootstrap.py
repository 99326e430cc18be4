import math

import numpy as np
import pytest

from unveilify.evaluation.statistics import interval, paired


def people(count: int, each: int) -> np.ndarray:
    return np.repeat([f"p{i}" for i in range(count)], each)


def test_the_interval_holds_the_known_mean_about_19_times_out_of_20() -> None:
    rng = np.random.default_rng(0)
    names = people(60, 3)
    hits = 0
    for seed in range(200):
        own = np.repeat(rng.normal(0, 1, 60), 3)
        estimate = interval(5 + own + rng.normal(0, 0.3, 180), names, replicates=400, seed=seed)
        hits += estimate.low <= 5 <= estimate.high
    assert 0.90 <= hits / 200 <= 0.985


def test_people_are_resampled_not_pictures() -> None:
    """Twenty copies of a photo say no more than one: the interval stays as wide."""
    values = np.random.default_rng(1).normal(0, 1, 30)
    once = interval(values, people(30, 1))
    often = interval(np.repeat(values, 20), people(30, 20))
    assert often.mean == pytest.approx(once.mean)
    assert often.high - often.low == pytest.approx(once.high - once.low, rel=1e-6)


def test_paired_difference_has_the_sign_of_ours_minus_theirs() -> None:
    rng = np.random.default_rng(2)
    theirs = rng.normal(20, 5, 200)
    ours = theirs + 0.3 + rng.normal(0, 0.1, 200)
    estimate = paired(ours, theirs, people(50, 4))
    assert estimate.low > 0.25
    assert estimate.high < 0.35
    # Unpaired, the same difference drowns in the spread between people.
    assert interval(ours, people(50, 4)).low < interval(theirs, people(50, 4)).high


def test_the_same_seed_gives_the_same_interval() -> None:
    values = np.random.default_rng(3).normal(0, 1, 40)
    assert interval(values, people(10, 4), seed=7) == interval(values, people(10, 4), seed=7)
    assert interval(values, people(10, 4), seed=7) != interval(values, people(10, 4), seed=8)


def test_many_people_go_in_chunks_with_the_same_result(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(3).normal(0, 1, 40)
    whole = interval(values, people(10, 4))
    monkeypatch.setattr("unveilify.evaluation.statistics.CHUNK", 35)
    assert interval(values, people(10, 4)) == whole


def test_values_that_are_missing_are_left_out() -> None:
    values = np.array([1.0, np.nan, 3.0, np.nan])
    estimate = interval(values, np.array(["a", "a", "b", "c"]))
    assert (estimate.mean, estimate.count, estimate.people) == (2.0, 2, 2)


def test_one_person_has_no_interval_and_nobody_no_mean() -> None:
    one = interval(np.array([1.0, 2.0]), np.array(["a", "a"]))
    assert one.mean == 1.5
    assert math.isnan(one.low)
    assert math.isnan(interval(np.array([np.nan]), np.array(["a"])).mean)
