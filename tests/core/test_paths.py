"""Places that overlap with what is read are refused before anything is touched."""

import os
from pathlib import Path

import pytest

from unveilify.core import paths
from unveilify.core.errors import UserError
from unveilify.core.stamps import BEGUN


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/file").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    return tmp_path


@pytest.mark.parametrize(
    ("output", "read"),
    [
        ("a", "a"),
        ("a", "a/b"),
        ("a/b", "a"),
        ("a/new/deep", "a"),
        ("link", "a"),
        ("link/b", "a"),
        ("link/new", "a"),
        ("a", "link/b"),
        ("a", "a/file"),
        ("a/../a", "a"),
    ],
)
def test_overlaps_are_refused(tree: Path, output: str, read: str) -> None:
    with pytest.raises(UserError, match="give another folder"):
        paths.check(tree / output, tree / read)


def test_places_apart_are_fine(tree: Path) -> None:
    paths.check(tree / "c/new", tree / "a", tree / "a/file", None, tree / "nowhere")
    paths.check(tree / "ab", tree / "a")


def test_places_that_cannot_be_written_are_named(tree: Path) -> None:
    for output in ("a/file", "a/file/deeper"):
        with pytest.raises(UserError, match="must be a folder"):
            paths.check(tree / output)
    if os.geteuid() != 0:
        (tree / "a/b").chmod(0o500)
        with pytest.raises(UserError, match="no permission"):
            paths.check(tree / "a/b/out")


def test_a_file_of_a_stage_is_not_written_over(tree: Path) -> None:
    (tree / "a" / BEGUN).write_text("{}")
    with pytest.raises(UserError, match="a stage keeps for its own output"):
        paths.check_file(tree / "a/b/mine.safetensors")
    with pytest.raises(UserError, match="would be replaced"):
        paths.check_file(tree / "x.png", tree / "x.png")
    with pytest.raises(UserError, match="is a folder"):
        paths.check_file(tree)
    paths.check_file(tree / "new/x.png", tree / "a/file")


def test_a_file_that_is_there_goes_only_if_somebody_says_so(tmp_path: Path) -> None:
    mine, link = tmp_path / "mine.png", tmp_path / "link.png"
    mine.write_bytes(b"mine")
    link.symlink_to(tmp_path / "gone")
    for path in (mine, link):
        with pytest.raises(UserError, match=r"there already: give another name, or --force"):
            paths.check_file(path)
        paths.check_file(path, replace=True)


@pytest.mark.parametrize("name", ["_stamp.json", "_begun.json"])
def test_no_output_lies_in_what_another_stage_keeps(tmp_path: Path, name: str) -> None:
    (tmp_path / "synth").mkdir()
    (tmp_path / "synth" / name).write_text("{}")
    paths.check(tmp_path / "synth")
    for output in (tmp_path / "synth/new", tmp_path / "synth/deep/er"):
        with pytest.raises(UserError, match="which a stage keeps for its own output"):
            paths.check(output)
