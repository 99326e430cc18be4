"""The identity of a source: whatever a listing says of a photo is in it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from unveilify.core.records import Photo
from unveilify.synth.inputs import digest

PHOTO = Photo("a/1.jpg", "anna", "family", ((1, 2, 3, 4),), {"age": 3})


@pytest.mark.parametrize(
    "change",
    [
        {"path": "a/2.jpg"},
        {"identity": "bob"},
        {"group": "other family"},
        {"boxes": ((1, 2, 3, 5),)},
        {"boxes": ()},
        {"meta": {"age": 4}},
        {"meta": {}},
    ],
    ids=str,
)
def test_every_word_of_a_listing_counts(tmp_path: Path, change: dict[str, Any]) -> None:
    (tmp_path / "a").mkdir()
    for name in ("1.jpg", "2.jpg"):
        (tmp_path / "a" / name).write_bytes(b"photo")
    before = digest(tmp_path, [PHOTO])
    assert digest(tmp_path, [replace(PHOTO, **change)]) != before
    assert digest(tmp_path, [PHOTO]) == before
    assert digest(tmp_path, [PHOTO, PHOTO]) != before
    (tmp_path / "a/1.jpg").write_bytes(b"another photo")
    assert digest(tmp_path, [PHOTO]) != before
