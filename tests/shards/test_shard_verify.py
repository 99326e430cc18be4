"""`verify` recounts from the bytes: every kind of damage is found and named."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from unveilify.core import storage, tars
from unveilify.core.errors import UserError
from unveilify.shards import index as index_of
from unveilify.shards.verify import verify


@pytest.fixture
def copy(shards: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(shards, tmp_path / "copy"))


def test_nothing_to_find(shards: Path) -> None:
    assert verify(shards) == []


def test_a_note_added_to_the_card_is_no_finding(copy: Path) -> None:
    (copy / "README.md").write_text("my own words")
    assert verify(copy) == []


def flip_a_byte(folder: Path) -> None:
    path = folder / "train-000000.tar"
    data = bytearray(path.read_bytes())
    data[tars.members(path)[3].offset + 100] ^= 1
    path.write_bytes(data)


def cut(folder: Path) -> None:
    path = folder / "train-000000.tar"
    path.write_bytes(path.read_bytes()[:9300])


def lose_a_member(folder: Path) -> None:
    rewrite(folder, lambda key, members: members.pop("mask.png"))


def own_identity_image(folder: Path) -> None:
    def change(key: str, members: dict[str, bytes]) -> None:
        meta = json.loads(members["json"])
        meta["identities"]["keys"][0] = key
        members["json"] = storage.canonical_json(meta)

    rewrite(folder, change)


def person_of_test_in_train(folder: Path) -> None:
    stranger = pd.read_parquet(folder / "manifest.parquet").query("split == 'test'").iloc[0]

    file_first_as(folder, identity=stranger["identity"], group=stranger["group"])


def one_person_in_two_families(folder: Path) -> None:
    """Each family lies in one split, and the person in both."""
    stranger = pd.read_parquet(folder / "manifest.parquet").query("split == 'test'").iloc[0]
    file_first_as(folder, identity=stranger["identity"])


def family_of_test_in_train(folder: Path) -> None:
    stranger = pd.read_parquet(folder / "manifest.parquet").query("split == 'test'").iloc[0]
    file_first_as(folder, group=stranger["group"])


def photo_of_test_in_train(folder: Path) -> None:
    stranger = pd.read_parquet(folder / "manifest.parquet").query("split == 'test'").iloc[0]

    def change(key: str, members: dict[str, bytes]) -> None:
        meta = json.loads(members["json"])
        meta["identities"]["keys"][0] = stranger["key"]
        members["json"] = storage.canonical_json(meta)

    rewrite(folder, change)


def file_first_as(folder: Path, **filed: str) -> None:
    def change(key: str, members: dict[str, bytes]) -> None:
        members["json"] = storage.canonical_json(json.loads(members["json"]) | filed)

    rewrite(folder, change)


def rewrite(folder: Path, change: Callable[[str, dict[str, bytes]], object]) -> None:
    """Write the first shard again, its first sample changed."""
    path = folder / "train-000000.tar"
    samples: dict[str, dict[str, bytes]] = {}
    for member in tars.members(path):
        samples.setdefault(member.key, {})[member.kind] = tars.pread(path, member.offset, member.size)
    first = next(iter(samples))
    change(first, samples[first])
    with tars.writing(path) as tar:
        for key, members in samples.items():
            tars.add(tar, key, members)


def lose_a_file(folder: Path) -> None:
    (folder / "croissant.json").unlink()


def foreign_file(folder: Path) -> None:
    (folder / "notes.txt").write_text("x")


def other_ledger(folder: Path) -> None:
    ledger = storage.read_json(folder / "splits.json")
    ledger["groups"] = dict.fromkeys(ledger["groups"], "test")
    storage.write_json(folder / "splits.json", ledger)


def other_crc(folder: Path) -> None:
    records = np.load(folder / "index.npy")
    records["crc32"][0, 2] ^= 1
    np.save(folder / "index.npy", records)


def change_what_nobody_reads(folder: Path) -> None:
    """Of the same length, and no other check looks there: only the digest tells."""
    path = folder / "croissant.json"
    path.write_bytes(path.read_bytes().replace(b"masked", b"maskde", 1))


def lose_a_row(folder: Path) -> None:
    path = folder / "manifest.parquet"
    pd.read_parquet(path).iloc[:-1].to_parquet(path)


def forget_a_reason(folder: Path) -> None:
    path = folder / "manifest.parquet"
    pd.read_parquet(path).assign(reason=None).to_parquet(path)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (flip_a_byte, "is not where, or not what, index.npy says"),
        (cut, "train-000000.tar is truncated or damaged near byte"),
        (lose_a_member, "instead of identity.0.jpg"),
        (own_identity_image, "wrong about its key or its identity images"),
        (person_of_test_in_train, "is in test and train"),
        (one_person_in_two_families, "The identity '"),
        (family_of_test_in_train, "The group '"),
        (photo_of_test_in_train, "The photo '"),
        (lose_a_file, "croissant.json is missing"),
        (foreign_file, "notes.txt is not in the stamp"),
        (other_ledger, "splits.json says test"),
        (other_crc, "json is not where, or not what, index.npy says"),
        (change_what_nobody_reads, "croissant.json has another sha256 than when it was written"),
        (lose_a_row, "in is not triplets + identity images + rejects"),
        (forget_a_reason, "rejects without a reason"),
    ],
)
def test_damage_is_found(damage: Callable[[Path], None], words: str, copy: Path) -> None:
    damage(copy)
    findings = verify(copy)
    assert any(words in finding for finding in findings), findings


def test_the_damaged_sample_is_named(copy: Path) -> None:
    member = tars.members(copy / "train-000000.tar")[3]
    flip_a_byte(copy)
    assert any(f"train-000000.tar: {member.key}.{member.kind} " in finding for finding in verify(copy))


def test_it_goes_on_past_what_cannot_be_read(copy: Path) -> None:
    lose_a_row(copy)
    for damaged in ("splits.json", "index.json", "index.npy"):
        (copy / damaged).write_bytes(b"nothing")
        found = "\n".join(verify(copy))
        assert f"{damaged} has 7 bytes instead of" in found
        assert "manifest.parquet has " in found, "what else is wrong is listed too"
    assert "Samples were not looked at" in found


def test_a_damaged_ledger_is_one_finding_of_several(copy: Path) -> None:
    (copy / "splits.json").write_text("[]")
    lose_a_row(copy)
    found = "\n".join(verify(copy))
    assert "splits.json" in found
    assert "in is not triplets + identity images + rejects" in found


def test_a_manifest_of_something_else_is_a_finding(copy: Path) -> None:
    pd.DataFrame({"a": [1]}).to_parquet(copy / "manifest.parquet")
    assert any("manifest.parquet cannot be read" in finding for finding in verify(copy))


def test_no_stamp(copy: Path) -> None:
    (copy / "_stamp.json").unlink()
    with pytest.raises(UserError, match="is not finished"):
        verify(copy)


def test_a_scan_wants_every_sample_whole_and_once(tmp_path: Path) -> None:
    for name, samples in {
        "twice": [("a", ("x", "y")), ("a", ("x", "y"))],
        "torn": [("a", ("x",)), ("b", ("x", "y")), ("a", ("y",))],
        "more": [("a", ("x", "y", "z"))],
    }.items():
        with tars.writing(tmp_path / name) as tar:
            for key, kinds in samples:
                tars.add(tar, key, dict.fromkeys(kinds, b"0"))
        with pytest.raises(UserError, match=f"{name}: the sample a"):
            index_of.scan(tmp_path / name, ["x", "y"])
