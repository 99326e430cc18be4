"""Judges need their files; without them the tests of this room say so and are skipped."""

from pathlib import Path

import pytest


@pytest.fixture
def at_hand(weights: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of pretrained networks, made known to the program."""
    monkeypatch.setenv("UNVEILIFY_WEIGHTS", str(weights))
    return weights


@pytest.fixture
def none_at_hand(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without a single pretrained network."""
    monkeypatch.setenv("UNVEILIFY_WEIGHTS", "")
    monkeypatch.setenv("UNVEILIFY_CACHE", str(tmp_path))
