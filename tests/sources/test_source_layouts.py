"""What every source layout promises; a new file in `unveilify/sources` is picked up by itself."""

from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from unveilify.core import plugins
from unveilify.core.config import Config
from unveilify.core.storage import read_member
from unveilify.sources.listing import find_layout, walk

LAYOUTS = plugins.names("source")
KFACE = "High_Resolution/19062421/S001/L{light}/E01/C{camera}.jpg"


@pytest.fixture
def everything(tmp_path: Path, aihub_tree, make_zip: Callable[..., list[str]], tiny_jpeg: bytes) -> Path:
    """Something of every layout in one folder, and things of none."""
    root: Path = aihub_tree.root
    names = [
        "Ann_Lee/Ann_Lee_0001.jpg",
        "Ann_Lee/Ann_Lee_0002.JPG",
        "Ann_Lee/other.png",
        "Ann_Lee/new\nline.jpg",
        "Wham!/Wham!_0001.jpg",
        "img_align_celeba/000001.jpg",
        "img_align_celeba/000009.jpg",
        "Bob/masked/1.jpg",
        "Bob/unmasked/1.jpg",
        "unmasked/Cid.jpg",
        "loose.jpeg",
        "clip.gif",
        "notes.txt",
        *(KFACE.format(light=light, camera=camera) for light in (1, 9) for camera in (7, 20)),
        KFACE.format(light=1, camera=7).replace("High", "Low"),
    ]
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(tiny_jpeg)
    (root / "identity_CelebA.txt").write_text("000001.jpg 2880\n000002.jpg 2937\n")
    make_zip(root / "Dan.zip", {"1.jpg": tiny_jpeg, "a/../../2.jpg": tiny_jpeg, "Ann_Lee/Ann_Lee_0003.jpg": tiny_jpeg})
    (root / "linked").symlink_to(root)
    return root


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_file_is_a_photo_or_left_out_with_a_reason(name: str, everything: Path) -> None:
    layout = plugins.load("source", name)
    listing = layout.photos(everything, layout.Config())
    paths = [photo.path for photo in listing.photos]
    assert paths
    assert paths == sorted(set(paths))
    assert list(listing.skipped) == sorted(listing.skipped)
    assert not set(paths) & listing.skipped.keys()
    assert set(paths) | listing.skipped.keys() == set(walk(everything))
    assert all(reason and reason.replace("_", "").isalpha() for reason in listing.skipped.values())


@pytest.mark.parametrize("name", LAYOUTS)
def test_photos_can_be_read_and_are_somebody(name: str, everything: Path, tiny_jpeg: bytes) -> None:
    layout = plugins.load("source", name)
    for photo in layout.photos(everything, layout.Config()).photos:
        assert not PurePosixPath(photo.path).is_absolute()
        assert photo.identity.encode("utf-8")
        assert photo.group.encode("utf-8")
        assert read_member(everything, photo.path) in (tiny_jpeg, b"", b"no picture at all\n")
        assert all(x >= 0 and y >= 0 and width > 0 and height > 0 for x, y, width, height in photo.boxes)


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_same_folder_gives_the_same_listing(name: str, everything: Path) -> None:
    layout = plugins.load("source", name)
    assert layout.photos(everything, layout.Config()) == layout.photos(everything, layout.Config())


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_plugin_has_what_a_plugin_has(name: str, everything: Path, tmp_path: Path) -> None:
    layout = plugins.load("source", name)
    (tmp_path / "empty").mkdir()
    assert layout.__doc__
    assert issubclass(layout.Config, Config)
    assert 0 <= layout.recognises(everything) <= 1
    assert 0 <= layout.recognises(tmp_path / "empty") < 0.1


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("lfw", ["lfw/Ann_Lee/Ann_Lee_0001.jpg", "lfw/Bo/Bo_0001.jpg", "README.txt"]),
        ("folder", ["001/001_03.jpg", "001/001_08.jpg", "002/002_03.jpg"]),
        ("kface", [KFACE.format(light=1, camera=c) for c in range(5, 11)] + ["High_Resolution/19062421/S001/L1/x.txt"]),
        ("celeba", ["identity_CelebA.txt", "img_align_celeba/img_align_celeba/000001.jpg"]),
        ("pairs", ["ann/masked/1.jpg", "ann/unmasked/2.jpg"]),
        ("aihub", ["045/TS0001/A/2.Individuals/F0001_IND_D_18_0_01.JPG", "045/TS0001/A/1.Family/x.jpg"]),
        ("aihub", ["TL0001/F0001_IND_D_18_0_01.json", "TL0001/F0001_AGE_D_18_a1.json"]),
    ],
)
def test_a_layout_is_found_by_itself(name: str, files: list[str], tmp_path: Path) -> None:
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_bytes(b"")
    assert find_layout(tmp_path).__name__.rpartition(".")[2] == name
