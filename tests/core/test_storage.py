import os
import zipfile
from pathlib import Path

import pytest

from unveilify.core import storage
from unveilify.core.errors import UserError
from unveilify.core.written import OutputFolder


def fail_half_way(path: Path) -> None:
    with storage.writing(path) as temporary:
        temporary.write_bytes(b"half")
        raise RuntimeError


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        fail_half_way(tmp_path / "a.bin")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_keeps_the_old_file(tmp_path: Path) -> None:
    storage.write_bytes(tmp_path / "a.bin", b"old")
    with pytest.raises(RuntimeError):
        fail_half_way(tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == b"old"


def test_equal_values_are_equal_json(tmp_path: Path) -> None:
    storage.write_json(tmp_path / "a", {"b": 1, "a": [1.5, "ü"]})
    storage.write_json(tmp_path / "b", {"a": [1.5, "ü"], "b": 1})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x"])
def test_a_name_that_leaves_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="leaves"):
        storage.inside(tmp_path, name)


def test_a_link_that_leaves_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out.jpg").write_bytes(b"secret")
    (tmp_path / "in/link.jpg").symlink_to(tmp_path / "out.jpg")
    with pytest.raises(UserError, match="leaves"):
        storage.read_member(tmp_path / "in", "link.jpg")


def test_members_of_archives_are_read_in_place(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("b/c.jpg", b"123")
    assert storage.read_member(tmp_path, "a.zip!b/c.jpg") == b"123"
    with pytest.raises(OSError, match=r"nothing\.jpg"):
        storage.read_member(tmp_path, "a.zip!nothing.jpg")


def test_a_bomb_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("c.jpg", bytes(3 * 2**20))
    monkeypatch.setattr(storage, "MAX_PHOTO_BYTES", 2**20)
    with pytest.raises(OSError, match="unpacks to more"):
        storage.read_member(tmp_path, "a.zip!c.jpg")


def test_a_file_that_is_too_large_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "a.jpg").open("wb") as file:
        file.truncate(storage.MAX_PHOTO_BYTES + 1)  # it has no bytes on the disk
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("it was read"))
    with pytest.raises(OSError, match="larger than 256 MiB"):
        storage.read_file(tmp_path / "a.jpg")


def test_links_that_lead_in_a_circle_are_followed_as_far_as_they_lead(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert storage.followed(tmp_path / "a").parent == storage.followed(tmp_path)


def test_one_odd_link_hides_nothing_beside_it(tmp_path: Path) -> None:
    for name in ("a.jpg", "z.jpg", "deep/b.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    (tmp_path / "nowhere.jpg").symlink_to("gone.jpg")
    (tmp_path / "linked").symlink_to("deep")
    os.mkfifo(tmp_path / "pipe.jpg")
    found = {path.relative_to(tmp_path).as_posix() for path in storage.files_below(tmp_path)}
    assert found == {"a.jpg", "z.jpg", "deep/b.jpg", "loop.jpg", "nowhere.jpg", "linked", "pipe.jpg"}


def test_until_it_is_whole_the_old_file_is_there(tmp_path: Path) -> None:
    storage.write_bytes(tmp_path / "a.bin", b"old")
    out = OutputFolder(tmp_path / "out")
    out.write_bytes("a.bin", b"old")
    for path, writing in (
        (tmp_path / "a.bin", storage.writing(tmp_path / "a.bin")),
        (tmp_path / "out/a.bin", out.file("a.bin")),
    ):
        with writing as fresh:
            fresh.write_bytes(b"half")
            assert path.read_bytes() == b"old"
            fresh.write_bytes(b"whole")
        assert path.read_bytes() == b"whole"


def test_bytes_reach_the_disk_before_their_name_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In this order: the file is synced, renamed, and its folder synced; a note of it is synced before the rename."""
    done: list[str] = []
    real_sync, real_rename = os.fsync, os.replace

    def sync(handle: int) -> None:
        done.append("sync")
        real_sync(handle)

    def rename(old: str, new: str) -> None:
        done.append("rename")
        real_rename(old, new)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "replace", rename)
    storage.write_bytes(tmp_path / "a.bin", b"1")
    assert done == ["sync", "rename", "sync"]
    done.clear()
    OutputFolder(tmp_path).write_bytes("b.bin", b"1")
    assert done == ["sync", "sync", "rename", "sync"]


@pytest.mark.parametrize("text", ["[" * 50_000, '{"a":' * 50_000, "9" * 5000, "{"])
def test_json_that_is_none_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(UserError, match=r"a\.json"):
        storage.read_json(tmp_path / "a.json")
