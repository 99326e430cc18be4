"""Every example runs as its first line says."""

import ast
import runpy
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs(
    example: Path,
    small_shards: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    usage = (ast.get_docstring(ast.parse(example.read_text())) or "").partition("`")[2].partition("`")[0].split()
    given = {"SHARDS": str(small_shards), "OUT": str(tmp_path / "out"), "OUT.jpg": str(tmp_path / "out.jpg")}
    words = [given[word] for word in usage[2:] if not word.startswith("[")]
    assert usage[:2] == ["python", f"examples/{example.name}"]
    # From another folder, so that nothing of the checkout but the package is found.
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(example), *words])
    runpy.run_path(str(example), run_name="__main__")
    assert capsys.readouterr().out
