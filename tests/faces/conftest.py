"""Fixtures for faces."""

import numpy as np
import pytest

from unveilify import weights
from unveilify.faces.find import Finder


@pytest.fixture(scope="session")
def finder() -> Finder:
    """The default backend, or a skip where its two small networks cannot be had."""
    found = Finder()
    try:
        found.find(np.zeros((8, 8, 3), np.uint8))
    except weights.Missing as missing:
        pytest.skip(str(missing))
    return found
