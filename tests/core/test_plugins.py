"""Plugins of this package and of others."""

from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

from unveilify.core import plugins
from unveilify.core.errors import UserError


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tartan_masks.py").write_text('"""A mask of tartan.\n\nMore words."""\n')
    monkeypatch.syspath_prepend(tmp_path)
    found = {"tartan": "tartan_masks", "surgical": "tartan_masks", "gone": "no_such_module"}
    entries = EntryPoints(EntryPoint(name, value, "unveilify.style") for name, value in found.items())
    monkeypatch.setattr(plugins, "entry_points", lambda group: entries.select(group=group))
    plugins._others.cache_clear()
    yield
    plugins._others.cache_clear()


@pytest.mark.usefixtures("installed")
def test_another_package_adds_a_style() -> None:
    assert "tartan" in plugins.names("style")
    assert "tartan" not in plugins.names("model")
    assert plugins.load("style", "tartan").__name__ == "tartan_masks"
    assert plugins.summary("style", "tartan") == "A mask of tartan."
    assert plugins.load("style", "surgical").__name__ == "unveilify.masks.styles.surgical", "our own goes first"
    with pytest.raises(UserError, match="cannot be imported"):
        plugins.load("style", "gone")
    assert plugins.summary("style", "gone") == ""
    with pytest.raises(UserError, match="did you mean 'tartan'"):
        plugins.load("style", "tartn")


def test_every_plugin_says_what_it_is() -> None:
    for room in plugins.ROOMS:
        assert plugins.names(room)
        assert all(plugins.summary(room, name) for name in plugins.names(room))
