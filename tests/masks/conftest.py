"""Landmarks of the astronaut in every scheme, written down so that no network is needed."""

import numpy as np
import pytest

from unveilify.core.landmarks import _SCHEMES, Landmarks
from unveilify.masks._head import ANCHORS, MESH
from unveilify.masks.fit import fit, project

FIVE = np.array([[203.5, 102.4], [246.6, 104.7], [223.2, 126.9], [200.9, 139.2], [245.9, 141.9]], np.float32)


def complete(five: Landmarks, scheme: str) -> Landmarks:
    """The same face in a larger scheme: the mean head as the five points see it."""
    head = fit(five)
    number, table = _SCHEMES[scheme]
    points = np.zeros((number, 3))
    for name, indices in table.items():
        points[list(indices)] = project(head, np.array(ANCHORS[name]))
    if scheme == "mediapipe468":
        points[list(MESH)] = project(head, np.array(list(MESH.values())))
    points[:, 2] *= -1
    return Landmarks(points[:, : 3 if scheme == "mediapipe468" else 2].astype(np.float32), scheme)


@pytest.fixture(scope="session")
def five() -> Landmarks:
    return Landmarks(FIVE, "five")


@pytest.fixture(scope="session")
def mesh(five: Landmarks) -> Landmarks:
    return complete(five, "mediapipe468")


@pytest.fixture(scope="session", params=["five", *_SCHEMES])
def any_scheme(request: pytest.FixtureRequest, five: Landmarks) -> Landmarks:
    return five if request.param == "five" else complete(five, request.param)
