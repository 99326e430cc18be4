"""Every command of docs/recipes.md works as it stands, one after the other."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
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


@pytest.mark.parametrize("option", ["--install-completion", "--version"])
def test_options_that_are_told_of(option: str) -> None:
    assert option in say("--help").stdout
