"""Every example runs as its first line says."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs(example: Path, small_shards: Path, tmp_path: Path) -> None:
    usage = (ast.get_docstring(ast.parse(example.read_text())) or "").partition("`")[2].partition("`")[0].split()
    given = {"SHARDS": str(small_shards), "OUT": str(tmp_path / "out"), "OUT.jpg": str(tmp_path / "out.jpg")}
    words = [given[word] for word in usage[2:] if not word.startswith("[")]
    assert usage[:2] == ["python", f"examples/{example.name}"]
    # From another folder, so that nothing of the checkout but the package is found.
    path = {"PYTHONPATH": str(Path(__file__).parent.parent)}
    done = subprocess.run(
        [sys.executable, example, *words], cwd=tmp_path, capture_output=True, text=True, env=os.environ | path
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout
