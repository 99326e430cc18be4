"""Every metric plugin keeps the contract; found by itself when a file is added."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from unveilify.core import plugins
from unveilify.metrics.contract import Column, Comparison, Metric, composite


def comparison(output: NDArray[np.uint8], truth: NDArray[np.uint8]) -> Comparison:
    hole = np.zeros(truth.shape[:2], bool)
    hole[truth.shape[0] // 2 :, 10:50] = True
    masked = np.where(hole[..., None], np.uint8(200), truth)
    alpha = np.where(hole, 255, 0).astype(np.uint8)
    found = alpha if output is truth else np.roll(alpha, -24, 1) * (np.arange(len(alpha)) < 36)[:, None]
    painted = composite(output, masked, hole)
    return Comparison(
        truth, masked, output, painted, hole, (truth,), (truth,), alpha=alpha, found=found.astype(np.uint8)
    )


@pytest.fixture(scope="module")
def face(astronaut: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(astronaut[0:256:4, 96:352:4])


@pytest.mark.parametrize("name", plugins.names("metric"))
def test_contract(name: str, face: NDArray[np.uint8]) -> None:
    metric: Metric = plugins.load("metric", name).Metric("cpu")
    columns = metric.columns()
    assert columns
    assert len({c.key for c in columns}) == len(columns)
    assert all(c.key.isidentifier() for c in columns)
    if metric.unavailable():
        pytest.skip(metric.unavailable() or "")
    worse = np.clip(face.astype(int) + np.random.default_rng(0).integers(-90, 90, face.shape), 0, 255).astype(np.uint8)
    truth, bad = metric.measure([comparison(face, face), comparison(worse, face)])
    for column in columns:
        assert set(truth) == {c.key for c in columns} == set(bad)
        assert math.isfinite(truth[column.key])
        if column.better == "higher":
            assert truth[column.key] > bad[column.key]
        if column.better == "lower":
            assert truth[column.key] < bad[column.key]


def test_contract_empty_hole_has_no_hole_value(face: NDArray[np.uint8]) -> None:
    nothing = np.zeros(face.shape[:2], bool)
    for name in plugins.names("metric"):
        metric: Metric = plugins.load("metric", name).Metric("cpu")
        if metric.unavailable() is None:
            (values,) = metric.measure([Comparison(face, face, face, face, nothing)])
            assert all(math.isnan(values[c.key]) for c in metric.columns() if c.region == "hole")


def test_composite_is_the_output_inside_and_the_input_outside(face: NDArray[np.uint8]) -> None:
    made = comparison(255 - face, face)
    assert np.array_equal(made.composited[made.hole], (255 - face)[made.hole])
    assert np.array_equal(made.composited[~made.hole], face[~made.hole])


def test_the_truth_composited_is_the_truth(face: NDArray[np.uint8]) -> None:
    made = comparison(face, face)
    assert np.array_equal(made.composited, face)


def test_column_names() -> None:
    column = Column("LPIPS (squeeze)", "lower", "hole", "composited")
    assert column.key == "lpips_squeeze_hole_composited"
    assert column.title == "LPIPS (squeeze) hole, composited"
