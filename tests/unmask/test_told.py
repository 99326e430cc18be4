"""Of a person's folder of photos one that cannot be used costs the others nothing."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from unveilify.core.errors import UserError
from unveilify.core.pictures import encode_png
from unveilify.core.records import Image
from unveilify.unmask.told import People


def know(pictures: Sequence[Image]) -> tuple[Any, ...]:
    if any(not picture.any() for picture in pictures):
        raise UserError("There is no face to be found.")
    return tuple(SimpleNamespace(image=p, doubt="", usable=True, other=False) for p in pictures)


@pytest.fixture
def people(tmp_path: Path) -> People:
    for name, value in (("face", 9), ("other", 8), ("black", 0)):
        (tmp_path / f"{name}.png").write_bytes(encode_png(np.full((8, 8, 3), value, np.uint8)))
    (tmp_path / "torn.png").write_bytes(b"x")
    return People(SimpleNamespace(know=know), {})  # type: ignore[arg-type]


def test_the_others_are_used_and_it_is_named(
    people: People, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = tuple(tmp_path / f"{name}.png" for name in ("torn", "face", "black", "other"))
    assert [known.image[0, 0, 0] for known in people.of(photos)] == [9, 8]
    said = capsys.readouterr().out.splitlines()
    assert [line.partition(" is not used")[0] for line in said] == [str(photos[0]), str(photos[2])]
    assert len(people.of(photos)) == 2
    assert capsys.readouterr().out == "", "it is said once"


def test_what_was_typed_is_all_needed(people: People, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"torn\.png"):
        people.of((tmp_path / "face.png", tmp_path / "torn.png"), strict=True)
    with pytest.raises(UserError, match="None of the 2 photos beside"):
        people.of((tmp_path / "black.png", tmp_path / "torn.png"))
