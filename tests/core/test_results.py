"""One rule for -o: a picture's name is one photo's result, any other a folder."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from unveilify.cli._options import RULE
from unveilify.cli.app import app
from unveilify.core.errors import UserError
from unveilify.core.results import is_file, places

VERBS = ["mask", "find", "remove"]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_says_it(verb: str) -> None:
    told = CliRunner().invoke(app, [verb, "--help"], env={"COLUMNS": "200"}).output
    assert RULE in " ".join(told.split())


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    ("photo", "out", "said"),
    [
        ("a.jpg", "x.gif", "no name for what comes out"),
        ("a.jpg", "there.png", "there already"),
        ("a.jpg", "a.jpg", "would be replaced|would replace|no name for what comes out"),
        ("photos", "x.png", "do not go into one file|is a folder"),
    ],
)
def test_every_verb_keeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str, photo: str, out: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.jpg", "there.png", "photos/1.jpg"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(b"x")
    before = set(tmp_path.rglob("*"))
    done = CliRunner().invoke(app, [verb, photo, "-o", out])
    assert isinstance(done.exception, UserError)
    assert any(words in str(done.exception) for words in said.split("|")), done.exception
    assert set(tmp_path.rglob("*")) == before


def test_what_is_a_file_and_what_a_folder(tmp_path: Path) -> None:
    (tmp_path / "odd.png").mkdir()
    photo = [tmp_path / "a.jpg"]
    assert is_file(tmp_path / "x.JPG", photo)
    assert not any(is_file(tmp_path / name, photo) for name in ("x", "x.v2", "odd.png", "2024.05.01"))
    assert not is_file(tmp_path / "x", photo * 3)


def test_results_go_to_one_file_or_to_a_folder_under_their_names(tmp_path: Path) -> None:
    a, b = tmp_path / "a.jpg", tmp_path / "b.jpeg"
    assert places([a], tmp_path / "x.jpg") == {a: tmp_path / "x.jpg"}
    assert places([a], tmp_path) == {a: tmp_path / "a.png"}
    assert places([a, b], tmp_path / "new") == {a: tmp_path / "new/a.png", b: tmp_path / "new/b.png"}


@pytest.mark.parametrize(
    ("photos", "out", "said"),
    [
        (["a.jpg", "b.jpg"], "x.png", "give a folder"),
        (["a.jpg", "sub/a.jpg"], "new", "same name"),
        (["a.png"], ".", "would replace the photo"),
        (["a.jpg"], "me.png", "would replace the photo"),
    ],
)
def test_no_result_replaces_a_photo_or_another_result(tmp_path: Path, photos: list[str], out: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        places([tmp_path / name for name in photos], tmp_path / out, keep=[tmp_path / "me.png"])


def test_links_that_lead_in_a_circle_are_no_traceback(tmp_path: Path) -> None:
    loop = tmp_path / "loop.jpg"
    loop.symlink_to("loop.jpg")
    assert places([loop], tmp_path / "out.png") == {loop: tmp_path / "out.png"}
    with pytest.raises(UserError):
        places([tmp_path / "a.jpg"], loop)
