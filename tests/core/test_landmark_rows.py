import io

import numpy as np
import pytest

from unveilify.core.errors import UserError
from unveilify.core.landmark_rows import alike, decode, encode, pixels, shares


def test_rows_come_back_as_they_were_written() -> None:
    rows = np.random.default_rng(0).random((3, 68, 3), np.float32)
    rows[1] = np.nan
    data = encode(list(rows))
    np.testing.assert_array_equal(decode(data, "x"), rows)
    assert encode(decode(data, "x")) == data
    np.testing.assert_array_equal(np.load(io.BytesIO(data), allow_pickle=False), rows)


GOOD = encode([np.zeros((5, 2), np.float32)])


@pytest.mark.parametrize(
    "data",
    [b"", b"nothing", GOOD[:-1], GOOD[:40], GOOD + b"0", GOOD.replace(b"<f4", b"<i4"), GOOD.replace(b"False", b"True ")]
    + [encode([np.zeros(shape, np.float32)]) for shape in ((7, 2), (5, 4), (5,))],
)
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(UserError, match=r"k\.landmarks\.npy holds no landmarks"):
        decode(data, "k.landmarks.npy")


def test_pickled_objects_are_refused() -> None:
    file = io.BytesIO()
    np.save(file, np.array([[[{}]]]), allow_pickle=True)
    with pytest.raises(UserError, match="holds no landmarks"):
        decode(file.getvalue(), "x")


def test_another_scheme_is_unknown() -> None:
    like = np.zeros((5, 2), np.float32)
    assert np.isnan(alike(None, like)).all()
    assert np.isnan(alike(np.zeros((5, 3), np.float32), like)).all()
    assert alike(like, like) is like


def test_shares_hold_at_any_size() -> None:
    """The centre of the first pixel of four is that of the first two of eight."""
    np.testing.assert_allclose(shares(np.array([[0, 3, 2]], np.float32), 4), [[0.125, 0.875, 0.5]])
    points = np.random.default_rng(0).uniform(0, 64, (5, 3)).astype(np.float32)
    np.testing.assert_allclose(pixels(shares(points, 64), 64), points, atol=1e-5)
    np.testing.assert_allclose(pixels(shares(points, 64), 32)[:, :2], (points[:, :2] - 0.5) / 2, atol=1e-5)
