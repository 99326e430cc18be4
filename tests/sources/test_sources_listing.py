"""Walking a folder that other people filled."""

import os
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unveilify.core.errors import UserError
from unveilify.core.storage import read_member, split_member
from unveilify.sources.layouts import folder
from unveilify.sources.listing import decoded, files, find_layout, readable, walk

ON_DISK = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=20).filter(
    lambda name: name not in (".", "..") and not name.lower().endswith(".zip") and len(os.fsencode(name)) < 200
)
MEMBER = st.text(st.sampled_from("ab/\\.\n!가é %:"), min_size=1, max_size=24)
ESCAPES = ("../up.jpg", "/etc/passwd.jpg", "..\\..\\up.jpg", "C:\\x\\y.jpg", "a/../../b.jpg", "a\nb.jpg", "./c.jpg")


@settings(max_examples=60)
@given(st.lists(ON_DISK, min_size=1, max_size=6, unique_by=lambda name: os.path.normcase(name)))
def test_any_name_on_disk_is_listed_once(names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as root:
        for number, name in enumerate(names):
            folder_path = Path(root) / f"d{number}"
            folder_path.mkdir()
            (folder_path / name).write_bytes(b"x")
        found = walk(Path(root))
        visible = [n for n in names if not n.startswith(".") and n not in ("__MACOSX", "Thumbs.db", "desktop.ini")]
        assert len(found) == len(set(found)) == len(visible)
        assert found == sorted(found)
        assert all(read_member(Path(root), path) == b"x" for path in found)


@settings(max_examples=60)
@given(st.lists(st.one_of(MEMBER, st.sampled_from(ESCAPES)), min_size=1, max_size=6, unique=True))
def test_any_name_in_an_archive_is_read_in_place_and_leaves_nothing(names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as outer:
        root = Path(outer) / "source"
        root.mkdir()
        with zipfile.ZipFile(root / "a.zip", "w") as archive:
            for name in names:
                archive.writestr(zipfile.ZipInfo(name), b"x")
        before = sorted(Path(outer).rglob("*"))
        for file in files(root):
            assert file.path.startswith("a.zip!")
            assert ".." not in file.parts
            assert read_member(root, file.path) == b"x"
            assert all(part.encode("utf-8") for part in file.parts)
        listing = folder.photos(root, folder.Config())
        assert {p.path for p in listing.photos} | listing.skipped.keys() == set(walk(root))
        assert sorted(Path(outer).rglob("*")) == before


def test_links(tmp_path: Path) -> None:
    root = tmp_path / "source"
    (root / "a").mkdir(parents=True)
    (tmp_path / "secret.jpg").write_bytes(b"s")
    (root / "a/1.jpg").write_bytes(b"x")
    (root / "a/inside.jpg").symlink_to(root / "a/1.jpg")
    (root / "a/outside.jpg").symlink_to(tmp_path / "secret.jpg")
    (root / "a/up").symlink_to(root)
    (root / "a/loop.jpg").symlink_to("loop.jpg")
    (root / "a/dangling.jpg").symlink_to("nowhere.jpg")
    os.mkfifo(root / "a/pipe.jpg")
    listing = folder.photos(root, folder.Config())
    assert [photo.path for photo in listing.photos] == ["a/1.jpg", "a/inside.jpg"]
    assert listing.skipped == {
        "a/outside.jpg": "leaves_folder",
        "a/up": "linked_folder",
        "a/loop.jpg": "not_a_file",
        "a/dangling.jpg": "not_a_file",
        "a/pipe.jpg": "not_a_file",
    }


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_folder_without_permission_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir(mode=0o000)
    assert folder.photos(tmp_path, folder.Config()).skipped == {"a": "unreadable_folder"}


def test_archives_stand_for_the_folder_they_would_unpack_to(tmp_path: Path, make_zip) -> None:
    make_zip(tmp_path / "people.zip", {"Ann/1.jpg": b"", "Ann/": b"", "Bob/x/2.png": b""})
    make_zip(tmp_path / "Cid.ZIP", {"3.jpg": b"", "nested.zip": b""})
    make_zip(tmp_path / "Dan/photos.zip", {"4.jpg": b""})
    listing = folder.photos(tmp_path, folder.Config())
    assert {photo.path: photo.identity for photo in listing.photos} == {
        "Cid.ZIP!3.jpg": "Cid",
        "Dan/photos.zip!4.jpg": "Dan",
        "people.zip!Ann/1.jpg": "Ann",
        "people.zip!Bob/x/2.png": "Bob",
    }
    assert listing.skipped == {"Cid.ZIP!nested.zip": "archive_not_read"}


def test_encrypted_members_are_named(tmp_path: Path, make_zip) -> None:
    make_zip(tmp_path / "a.zip", {"Ann/1.jpg": b"x"})
    data = bytearray((tmp_path / "a.zip").read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1  # the encryption bit in the central directory
    (tmp_path / "a.zip").write_bytes(bytes(data))
    assert folder.photos(tmp_path, folder.Config()).skipped == {"a.zip!Ann/1.jpg": "encrypted"}


@pytest.mark.parametrize(
    ("raw", "flags", "meant"),
    [
        ("A(친가)/1.jpg".encode("cp949").decode("cp437"), 0, "A(친가)/1.jpg"),
        ("A(친가)/1.jpg".encode().decode("cp437"), 0, "A(친가)/1.jpg"),
        ("A(친가)/1.jpg", 0x800, "A(친가)/1.jpg"),
        ("Ünïcödé.jpg", 0x800, "Ünïcödé.jpg"),
        ("a\\b.jpg", 0, "a/b.jpg"),
    ],
)
def test_names_of_members_as_their_maker_meant_them(raw: str, flags: int, meant: str) -> None:
    info = zipfile.ZipInfo(raw)
    info.flag_bits = flags
    assert decoded(info) == meant


def test_names_as_text() -> None:
    assert readable(os.fsdecode("친가".encode("cp949"))) == "친가"
    assert readable(os.fsdecode(b"\xff")) == "\\xff"
    assert readable("e\u0301") == "é"


def test_only_a_member_of_an_archive_is_one(tmp_path: Path, make_zip) -> None:
    make_zip(tmp_path / "a/b.ZIP", {"c!d\n.jpg": b"x", "z.zip!1.jpg": b"x"})
    plain = ("Wham!/1.jpg", "Best.zip!/1.jpg", "Best.zip!.jpg", "c.zip!d.zip!e.jpg", "a/b.ZIP!own.jpg")
    for name in plain:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"y")
        assert split_member(tmp_path, name) == (tmp_path / name, "")
        assert read_member(tmp_path, name) == b"y"
    for member in ("c!d\n.jpg", "z.zip!1.jpg"):
        assert split_member(tmp_path, f"a/b.ZIP!{member}") == (tmp_path / "a/b.ZIP", member)
        assert read_member(tmp_path, f"a/b.ZIP!{member}") == b"x"
    found = files(tmp_path)
    assert {file.path for file in found if not file.archived} == set(plain)
    assert all(read_member(tmp_path, file.path) == (b"x" if file.archived else b"y") for file in found)


def test_a_file_spelled_like_a_member_is_the_file(tmp_path: Path, make_zip) -> None:
    make_zip(tmp_path / "a.zip", {"1.jpg": b"member", "2.jpg": b"member"})
    (tmp_path / "a.zip!1.jpg").write_bytes(b"file")
    assert read_member(tmp_path, "a.zip!1.jpg") == b"file"
    assert read_member(tmp_path, "a.zip!2.jpg") == b"member"
    told = {file.path: file.fault for file in files(tmp_path)}
    assert told == {"a.zip!1.jpg": "", "a.zip!!1.jpg": "ambiguous_name", "a.zip!2.jpg": ""}


def test_a_damaged_member_is_an_os_error(tmp_path: Path, make_zip) -> None:
    make_zip(tmp_path / "a.zip", {"1.jpg": bytes(range(256)) * 40})
    data = bytearray((tmp_path / "a.zip").read_bytes())
    data[40:60] = b"\xff" * 20
    (tmp_path / "a.zip").write_bytes(bytes(data))
    with pytest.raises(OSError, match=r"a\.zip!1\.jpg"):
        read_member(tmp_path, "a.zip!1.jpg")


def test_finding_the_layout_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no folder"):
        find_layout(tmp_path / "gone")
    with pytest.raises(UserError, match="There are no files"):
        find_layout(tmp_path)
    (tmp_path / "x").write_bytes(b"")
    with pytest.raises(UserError, match="There is no folder"):
        find_layout(tmp_path / "x")
    with pytest.raises(UserError, match="did you mean 'aihub'"):
        find_layout(tmp_path, "aihbu")
    assert find_layout(tmp_path) is folder


def test_level_zero_makes_everybody_somebody_else(tmp_path: Path) -> None:
    (tmp_path / "1.jpg").write_bytes(b"")
    (tmp_path / "a").mkdir()
    (tmp_path / "a/2.jpg").write_bytes(b"")
    assert folder.photos(tmp_path, folder.Config()).skipped == {"1.jpg": "no_identity_folder"}
    assert len({photo.identity for photo in folder.photos(tmp_path, folder.Config(level=0)).photos}) == 2
