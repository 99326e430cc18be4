"""Every command of docs/recipes.md works as it stands, one after the other."""

import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from command_line import say

from unveilify.core.pictures import encode_jpeg

PAGE = (Path(__file__).parents[1] / "docs/recipes.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
MADE = ("bare.png", "hole.png", "mended.png", "half.webp", "smeared.png", "by_mine.png", "mine.safetensors")


def test_all_recipes(astronaut: np.ndarray, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/me.jpg").write_bytes(encode_jpeg(astronaut[:320, 60:380], 95))
    (tmp_path / "other.jpg").write_bytes(encode_jpeg(astronaut, 95))
    assert len(COMMANDS) > 15
    for command in COMMANDS:
        name, *words = shlex.split(command)
        assert name == "unveilify"
        done = say(*words, cwd=tmp_path)
        assert done.returncode == 0, f"{command}: {done.stderr}"
    for made in (*MADE, "masked/me.jpg", "masked/manifest.csv", "reports/index.html"):
        assert (tmp_path / made).is_file(), made


def test_the_training_in_python(small_shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    shutil.copytree(small_shards, tmp_path / "data/shards")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102
    assert torch.isfinite(names["loss"])
    assert names["network"].weight.grad.abs().sum() > 0


@pytest.mark.parametrize("option", ["--install-completion", "--version"])
def test_options_that_are_told_of(option: str) -> None:
    assert option in say("--help").stdout
