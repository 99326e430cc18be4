"""What the documents say is so."""

import re
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest
from command_line import say

import unveilify
from unveilify.core import plugins
from unveilify.masks import style

ROOT = Path(__file__).parent.parent
DOCS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
HOME = "https://github.com/unveilify/unveilify"


def test_the_style_of_contributing_is_drawn(
    astronaut: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = re.search(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL)
    assert code is not None
    (tmp_path / "striped_masks.py").write_text(code[1])
    monkeypatch.syspath_prepend(tmp_path)
    entry = EntryPoint("striped", "striped_masks", "unveilify.style")
    monkeypatch.setattr(plugins, "_others", lambda room: {"striped": entry} if room == "style" else {})
    style.find.cache_clear()
    masked = unveilify.draw_mask(astronaut, style="striped")
    assert 0.01 < (masked.alpha > 0).mean() < 0.2


@pytest.mark.parametrize("document", DOCS, ids=lambda path: path.name)
def test_links_lead_to_files(document: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", document.read_text(encoding="utf-8")):
        assert (document.parent / target).exists(), target
    for target in re.findall(rf"\]\({HOME}/(?:blob|tree)/main/([^)#\s]+)", document.read_text(encoding="utf-8")):
        assert (ROOT / target).exists(), target


def test_the_places_of_architecture_are_there() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for place in re.findall(r"`((?:[a-z_]+/)+[a-z_]*(?:\.py)?)`", text):
        if "<" not in place:
            assert (ROOT / "unveilify" / place).exists() or (ROOT / place).exists(), place
    rooms = {path.name for path in (ROOT / "unveilify").iterdir() if (path / "__init__.py").is_file()}
    for room in rooms:
        assert re.search(rf"\b{room}\b", text), f"{room} is not in the picture"


def test_the_readme_names_every_command() -> None:
    usage = say("--help").stdout
    commands = re.findall(r"(?m)^  ([a-z]+)  ", usage.partition("Commands:")[2])
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(commands) > 10
    for command in commands:
        assert f"unveilify {command}" in text, command


def test_every_page_is_in_the_site() -> None:
    listed = set(re.findall(r"[\w/]+\.md", (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("nav:")[2]))
    assert listed == {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")}
