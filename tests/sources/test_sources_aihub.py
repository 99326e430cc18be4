"""AI Hub 528 as people download, unzip, rename and lose parts of it."""

from collections import Counter
from pathlib import Path

import pytest

from unveilify.core.config import build
from unveilify.core.errors import UserError
from unveilify.core.storage import read_member
from unveilify.sources.layouts import aihub
from unveilify.sources.listing import find_layout, walk


def test_the_tree_is_recognised(aihub_tree) -> None:
    assert find_layout(aihub_tree.root) is aihub


def test_every_file_is_accounted_for_and_filed_right(aihub_tree) -> None:
    listing = aihub.photos(aihub_tree.root, aihub.Config())
    assert {photo.path: photo.identity for photo in listing.photos} == aihub_tree.people
    assert listing.skipped == aihub_tree.left
    assert set(walk(aihub_tree.root)) == aihub_tree.people.keys() | aihub_tree.left.keys()
    assert all(photo.group == photo.identity[:5] for photo in listing.photos)


def test_labels_are_found_wherever_they_lie(aihub_tree) -> None:
    listing = aihub.photos(aihub_tree.root, aihub.Config())
    assert {photo.path: photo.meta["label"] for photo in listing.photos} == aihub_tree.labels
    boxes = {photo.boxes for photo in listing.photos if photo.meta["label"] == "ok"}
    # the negative corner is cut off at the picture's edge, and the box with it
    assert boxes == {((10.0, 20.0, 100.0, 120.0),), ((0.0, 0.0, 90.0, 100.0),)}
    assert all(not photo.boxes for photo in listing.photos if photo.meta["label"] != "ok")


def test_archives_are_read_in_place(aihub_tree, tiny_jpeg: bytes) -> None:
    listing = aihub.photos(aihub_tree.root, aihub.Config())
    archived = [photo for photo in listing.photos if ".zip!" in photo.path]
    assert len(archived) == 2 * 2 + 3 * 2 * 2
    assert all(read_member(aihub_tree.root, photo.path) == tiny_jpeg for photo in archived)


def test_unpacked_or_not_makes_no_difference(aihub_tree, tmp_path: Path, make_zip) -> None:
    root = aihub_tree.root
    listing = aihub.photos(root, aihub.Config())
    plain = {path: read_member(root, path) for path in walk(root) if "!" not in path and not path.endswith(".zip")}
    packed = tmp_path / "packed"
    make_zip(packed / "all.zip", {path.encode("utf-8", "replace").decode(): data for path, data in plain.items()})
    for path in root.rglob("*.[zZ][iI][pP]"):
        path.rename(packed / path.name)
    again = aihub.photos(packed, aihub.Config())
    assert Counter(photo.identity for photo in again.photos) == Counter(photo.identity for photo in listing.photos)
    assert Counter(again.skipped.values()) == Counter(listing.skipped.values())
    assert Counter(photo.meta["label"] for photo in again.photos) == Counter(aihub_tree.labels.values())


def test_a_photo_says_what_its_name_says(aihub_tree) -> None:
    listing = aihub.photos(aihub_tree.root, aihub.Config())
    by_name = {Path(photo.path).name: photo.meta for photo in listing.photos}
    meta = by_name["F0001_IND_S2_17_45_CAM.jpg"]
    assert (meta["kind"], meta["role"], meta["age"], meta["angle"], meta["shot"]) == ("IND", "S2", 17, 45, "CAM")


def test_angles(aihub_tree) -> None:
    front = aihub.photos(aihub_tree.root, aihub.Config(angles=(0,)))
    every = aihub.photos(aihub_tree.root, aihub.Config(angles=(0, 45, 90)))
    assert {photo.meta["angle"] for photo in front.photos} == {0}
    assert len(every.photos) == len(aihub_tree.people) + aihub_tree.reasons["angle"]
    assert len(front.photos) + len(front.skipped) == len(every.photos) + len(every.skipped)


def test_age_photos_on_request(aihub_tree) -> None:
    listing = aihub.photos(aihub_tree.root, aihub.Config(age_photos=True))
    old = [photo for photo in listing.photos if photo.meta["kind"] == "AGE"]
    assert len(old) == aihub_tree.reasons["age_photo"]
    assert {photo.meta["age"] for photo in old} == {0, 17, 31}  # classes a and e; S2 was 17 at most
    assert {photo.identity for photo in old} <= {photo.identity for photo in listing.photos} - {"F0020_M"}


def test_min_age_goes_by_the_age_in_the_photo(aihub_tree) -> None:
    listing = aihub.photos(aihub_tree.root, aihub.Config(age_photos=True, min_age=19))
    assert min(photo.meta["age"] for photo in listing.photos) >= 19
    young = Counter(listing.skipped.values())["too_young"]
    assert young == 4 * 2 + 3 * 2 + 4 * 3 + 4  # S2 of 17, D of 12, childhood prints, other prints of S2


def test_group_by_identity(aihub_tree) -> None:
    listing = aihub.photos(aihub_tree.root, aihub.Config(group="identity"))
    assert all(photo.group == photo.identity for photo in listing.photos)


def test_a_wrong_option_is_one_sentence() -> None:
    with pytest.raises(UserError, match="nearest known one is 'min_age'"):
        build(aihub.Config, {"min_ages": 3})


@pytest.mark.parametrize(
    ("stem", "identity", "age", "angle"),
    [
        ("F0001_IND_D_18_0_01", "F0001_D", 18, 0),
        ("f0085_ind_gm_68_45_CAM", "F0085_GM", 68, 45),
        ("F0011_IND_S4_3_90_12 (2)", "F0011_S4", 3, 90),
        ("F0001_AGE_D_18_a1", "F0001_D", 0, None),
        ("F0856_AGE_M_75_g3", "F0856_M", 56, None),
        ("F0856_AGE_M_75_zz", "F0856_M", None, None),
        ("F0001_IND_D_18_front", "F0001_D", 18, None),
    ],
)
def test_names(stem: str, identity: str, age: int | None, angle: int | None) -> None:
    name = aihub.read_name(stem)
    assert name is not None
    assert (name.identity, name.age, name.angle) == (identity, age, angle)


@pytest.mark.parametrize("stem", ["F001_IND_D_18_0_01", "F0001_FAM_01", "F0001_IND_X_18_0_01", "IND", ""])
def test_no_names(stem: str) -> None:
    assert aihub.read_name(stem) is None


def test_the_same_photo_is_kept_unpacked_rather_than_zipped(tmp_path: Path, make_zip, tiny_jpeg: bytes) -> None:
    make_zip(tmp_path / "A.zip", {"F0001_IND_D_18_0_01.jpg": tiny_jpeg})
    (tmp_path / "z").mkdir()
    (tmp_path / "z/F0001_IND_D_18_0_01.JPG").write_bytes(tiny_jpeg)
    listing = aihub.photos(tmp_path, aihub.Config())
    assert [photo.path for photo in listing.photos] == ["z/F0001_IND_D_18_0_01.JPG"]
    assert listing.skipped == {"A.zip!F0001_IND_D_18_0_01.jpg": "duplicate"}
