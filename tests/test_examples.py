"""Every example runs as its first line says."""

import ast
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from unveilify.core.pictures import encode_png

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs(
    example: Path,
    small_shards: Path,
    astronaut: NDArray[np.uint8],
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    usage = (ast.get_docstring(ast.parse(example.read_text())) or "").partition("`")[2].partition("`")[0].split()
    given = {"SHARDS": str(small_shards), "OUT": str(tmp_path / "out"), "OUT.jpg": str(tmp_path / "out.jpg")}
    given["OUT.png"] = str(tmp_path / "out.png")
    for name in ("MASKED.png", "IDENTITY.png"):
        given[name] = str(tmp_path / name)
        (tmp_path / name).write_bytes(encode_png(astronaut[20:220, 120:320]))
    if "NETWORK.onnx" in usage:
        given["NETWORK.onnx"] = str(request.getfixturevalue("small_onnx"))
    words = [given[word] for word in usage[2:] if not word.startswith("[")]
    assert usage[:2] == ["python", f"examples/{example.name}"]
    # From another folder, so that nothing of the checkout but the package is found.
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(example), *words])
    runpy.run_path(str(example), run_name="__main__")
    assert capsys.readouterr().out
