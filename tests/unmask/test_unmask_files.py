"""Which photos are done with which of the person's, and where results go."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from unveilify.core.errors import UserError
from unveilify.core.pictures import encode_png
from unveilify.unmask.files import jobs, read_hole


@pytest.fixture
def there(tmp_path: Path) -> Path:
    for name in (
        "in/ann/1.jpg",
        "in/ann/1.png",
        "in/ann/late/2.webp",
        "in/ann/identity/me.jpg",
        "in/bob/1.jpg",
        "in/.hidden/1.jpg",
        "in/bob/notes.txt",
        "other.jpg",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


def test_a_folder_with_people_in_it(there: Path) -> None:
    todo, kept = jobs([there / "in"], there / "out", [there / "other.jpg"])
    assert kept == 0
    found = {job.photo.relative_to(there / "in").as_posix(): job for job in todo}
    assert {name: job.result.relative_to(there / "out").as_posix() for name, job in found.items()} == {
        "ann/1.jpg": "ann/1.jpg.png",
        "ann/1.png": "ann/1.png.png",
        "ann/late/2.webp": "ann/late/2.png",
        "bob/1.jpg": "bob/1.png",
    }
    assert found["ann/late/2.webp"].identity == found["ann/1.jpg"].identity == (there / "in/ann/identity/me.jpg",)
    assert found["bob/1.jpg"].identity == (there / "other.jpg",)


def test_no_two_of_a_folder_go_into_one_file(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.jpg", "a.png", "a.jpg.png", "a.jpg.jpg", "a.jpg.png.webp", "b.jpg"):
        (tmp_path / "in" / name).touch()
    todo, _ = jobs([tmp_path / "in"], tmp_path / "out", [])
    results = {job.photo.name: job.result.name for job in todo}
    assert len(set(results.values())) == len(results) == 6
    assert (results["a.jpg"], results["a.png"], results["b.jpg"]) == ("a.jpg.png", "a.png.png", "b.png")


def test_a_link_in_the_output_folder_costs_no_photo(there: Path) -> None:
    (there / "out").mkdir()
    (there / "out/bob").symlink_to(there / "in/ann")
    with pytest.raises(UserError, match="would replace the photo"):
        jobs([there / "in"], there / "out", [], replace=True)


def test_the_drawn_hole_is_not_replaced(there: Path) -> None:
    hole = there / "hole.png"
    hole.write_bytes(b"x")
    with pytest.raises(UserError, match="would replace the photo"):
        jobs([there / "other.jpg"], hole, [], keep=[hole], replace=True)


def test_what_a_killed_command_left_half_written_goes(there: Path) -> None:
    left = there / "out/bob/.unveilify-x.tmp"
    left.parent.mkdir(parents=True)
    left.touch()
    jobs([there / "in"], there / "out", [])
    assert left.exists(), "somebody may be writing it"
    os.utime(left, (0, 0))
    jobs([there / "in"], there / "out", [])
    assert not left.exists()


def test_of_a_folder_what_is_there_stays(there: Path) -> None:
    (there / "out/bob").mkdir(parents=True)
    (there / "out/bob/1.png").write_bytes(b"done")
    todo, kept = jobs([there / "in"], there / "out", [])
    assert (len(todo), kept) == (3, 1)
    todo, kept = jobs([there / "in"], there / "out", [], replace=True)
    assert (len(todo), kept) == (4, 0)


def test_of_several_photos_what_is_there_stays_and_of_one_nothing_is_replaced(there: Path) -> None:
    photos = [there / "in/ann/1.jpg", there / "other.jpg"]
    (there / "out").mkdir()
    (there / "out/other.png").write_bytes(b"done")
    todo, kept = jobs(photos, there / "out", [])
    assert ([job.photo for job in todo], kept) == (photos[:1], 1)
    assert len(jobs(photos, there / "out", [], replace=True)[0]) == 2
    with pytest.raises(UserError, match="there already"):
        jobs(photos[1:], there / "out", [])


@pytest.mark.parametrize(
    ("given", "out", "said"),
    [
        (["in"], "x.png", "do not go into one file"),
        (["in"], "in", "both what is read and what is written"),
        (["in"], "in/out", "lies inside"),
        (["in/bob/identity"], "out", "is not there|no photos"),
        (["in/.hidden/x"], "out", ""),
    ],
)
def test_folders_that_cannot_be_done(there: Path, given: list[str], out: str, said: str) -> None:
    (there / "in/bob/identity").mkdir()
    paths = [there / name for name in given]
    if said:
        with pytest.raises(UserError, match=said):
            jobs(paths, there / out, [])
    else:
        assert len(jobs(paths, there / out, [])[0]) == 1, "is told to be gone when it is looked for"


def test_what_a_person_drew(tmp_path: Path) -> None:
    photo, hole = np.zeros((8, 6, 3), np.uint8), np.zeros((8, 6), np.uint8)
    hole[2:4] = 255
    for name, picture in {"photo": photo, "hole": hole, "black": hole // 3, "small": hole[1:]}.items():
        (tmp_path / f"{name}.png").write_bytes(encode_png(picture))
    photos = [tmp_path / "photo.png"]
    assert np.array_equal(read_hole(tmp_path / "hole.png", photos), hole)
    for name, said in (("black", "nowhere white"), ("small", "6 x 7 pixels and"), ("nothing", "Cannot read")):
        with pytest.raises(UserError, match=said):
            read_hole(tmp_path / f"{name}.png", photos)
    glass = Pillow.fromarray(np.full((8, 6, 3), 255, np.uint8))
    glass.putalpha(Pillow.fromarray(hole))
    glass.save(tmp_path / "glass.png")
    assert np.array_equal(read_hole(tmp_path / "glass.png", photos), hole), "white that is not to be seen is none"
    with pytest.raises(UserError, match="there are 2"):
        read_hole(tmp_path / "hole.png", photos * 2)
