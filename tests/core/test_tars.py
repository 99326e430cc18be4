"""Tars: equal to those of webdataset, whole or not there, and damage is never taken for the end."""

from pathlib import Path

import pytest
import webdataset

from unveilify.core import tars
from unveilify.core.errors import UserError

SAMPLES = {
    "b0": {"masked.jpg": b"m" * 700, "json": b"{}", "identity.0.jpg": b""},
    "a_-1": {"json": b"1" * 5000},
}


@pytest.fixture
def tar(tmp_path: Path) -> Path:
    with tars.writing(tmp_path / "x.tar") as file:
        for key, members in SAMPLES.items():
            tars.add(file, key, members)
    return tmp_path / "x.tar"


def test_the_bytes_are_those_of_webdataset(tar: Path) -> None:
    other = tar.with_name("other.tar")
    with webdataset.TarWriter(str(other), mtime=0, encoder=False) as writer:
        for key, members in SAMPLES.items():
            writer.write({"__key__": key, **members})
    assert tar.read_bytes() == other.read_bytes()


def test_members_are_found_where_they_lie(tar: Path) -> None:
    found = {(m.key, m.kind): tars.pread(tar, m.offset, m.size) for m in tars.members(tar)}
    assert found == {(key, kind): data for key, members in SAMPLES.items() for kind, data in members.items()}


def test_a_tar_cut_anywhere_is_refused(tar: Path) -> None:
    data = tar.read_bytes()
    last = tars.members(tar)[-1]
    end_of_content = -(-(last.offset + last.size) // 512) * 512
    for length in [*range(0, end_of_content, 100), end_of_content, end_of_content + 512]:
        tar.write_bytes(data[:length])
        with pytest.raises(UserError, match=r"x\.tar"):
            tars.members(tar)


def test_a_damaged_header_is_not_taken_for_the_end(tar: Path) -> None:
    data = bytearray(tar.read_bytes())
    last = tars.members(tar)[-1]
    data[last.offset - 512 : last.offset - 500] = b"\xff" * 12
    tar.write_bytes(data)
    with pytest.raises(UserError, match="damaged near"):
        tars.members(tar)


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="only hold a-z"), tars.writing(tmp_path / "x.tar") as file:
        tars.add(file, "a.b", {"json": b"{}"})
    assert list(tmp_path.iterdir()) == []
