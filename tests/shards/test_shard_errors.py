"""Bad input to `shard`: one sentence that says what, where and what to do."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from unveilify.core import tars
from unveilify.core.errors import UserError
from unveilify.core.storage import read_json, write_json
from unveilify.shards.config import ShardConfig
from unveilify.shards.index import INDEX_JSON
from unveilify.shards.reader import ShardSet
from unveilify.shards.verify import verify
from unveilify.shards.write import run

Maker = Callable[..., Path]


def test_too_few_groups(synth_maker: Maker, tmp_path: Path) -> None:
    source = synth_maker(tmp_path / "synth", people=4, photos=lambda person: 3)
    with pytest.raises(UserError, match=r"at least 3 groups .* there are 2"):
        run(ShardConfig(), source, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    run(ShardConfig(shares=(0, 0, 1)), source, tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").glob("*.tar")} == {"test-000000.tar"}
    assert verify(tmp_path / "out") == []


def test_nobody_with_two_photos(synth_maker: Maker, tmp_path: Path) -> None:
    source = synth_maker(tmp_path / "synth", photos=lambda person: 1)
    with pytest.raises(UserError, match="Nobody in the input has two usable photos"):
        run(ShardConfig(), source, tmp_path / "out")


def test_an_empty_synth(synth_maker: Maker, tmp_path: Path) -> None:
    def reject(rows: list[dict[str, Any]]) -> None:
        for row in rows:
            row["status"], row["reason"] = "rejected", "no_face"

    with pytest.raises(UserError, match=r"no face to mask in .*synth"):
        run(ShardConfig(), synth_maker(tmp_path / "synth", edit=reject), tmp_path / "out")


def test_no_or_unfinished_synth(synth_maker: Maker, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"No synth output in .* run `unveilify synth`"):
        run(ShardConfig(), tmp_path / "nowhere", tmp_path / "out")
    source = synth_maker(tmp_path / "synth")
    (source / "_stamp.json").unlink()
    with pytest.raises(UserError, match="is not finished"):
        run(ShardConfig(), source, tmp_path / "out")


def test_a_damaged_part_is_named(synth_maker: Maker, tmp_path: Path) -> None:
    source = synth_maker(tmp_path / "synth")
    part = source / "part-00001.tar"
    part.write_bytes(part.read_bytes()[:-20000])
    with pytest.raises(UserError, match=r"part-00001\.tar is missing or not what its stamp says"):
        run(ShardConfig(), source, tmp_path / "out")


def test_an_edited_manifest_is_refused(synth_maker: Maker, tmp_path: Path) -> None:
    """Otherwise an edited group would put a person into two splits, and nothing would tell."""
    source = synth_maker(tmp_path / "synth")
    table = pd.read_parquet(source / "manifest.parquet")
    table.loc[0, "identity"] = "somebody else"
    table.to_parquet(source / "manifest.parquet", index=False)
    with pytest.raises(UserError, match=r"manifest\.parquet is missing or not what its stamp says"):
        run(ShardConfig(), source, tmp_path / "out")


def test_manifest_and_parts_that_disagree(synth_maker: Maker, tmp_path: Path, restamp: Callable[[Path], None]) -> None:
    source = synth_maker(tmp_path / "synth")
    table = pd.read_parquet(source / "manifest.parquet")
    for change, words in ((table.iloc[1:], "does not know"), (pd.concat([table, _other(table)]), "no part holds")):
        change.to_parquet(source / "manifest.parquet")
        restamp(source)
        with pytest.raises(UserError, match=words):
            run(ShardConfig(), source, tmp_path / "out", force=True)


def _other(table: pd.DataFrame) -> pd.DataFrame:
    return table.iloc[:1].assign(key="unheardof", photo="x")


def test_one_person_in_two_families(synth_maker: Maker, tmp_path: Path) -> None:
    def confuse(rows: list[dict[str, Any]]) -> None:
        next(row for row in rows if row["identity"] == "person4")["group"] = "family9"

    source = synth_maker(tmp_path / "synth", edit=confuse)
    with pytest.raises(UserError, match="'person4' is filed under two groups"):
        run(ShardConfig(), source, tmp_path / "out")
    run(ShardConfig(group="identity"), source, tmp_path / "out")


def test_other_settings_are_refused_by_name(synth_output: Path, tmp_path: Path) -> None:
    run(ShardConfig(), synth_output, tmp_path / "out")
    with pytest.raises(UserError, match=r"identities: 1 -> 2"):
        run(ShardConfig(identities=2), synth_output, tmp_path / "out")
    run(ShardConfig(identities=2), synth_output, tmp_path / "out", force=True)


def test_synth_output_of_before_the_landmarks_is_named_as_old(synth_maker: Maker, tmp_path: Path) -> None:
    source = synth_maker(tmp_path / "synth")
    stamp = read_json(source / "_stamp.json")
    del stamp["version"]
    write_json(source / "_stamp.json", stamp)
    with pytest.raises(UserError, match=r"an older version \(1, not 2\): run `unveilify synth` again with --force"):
        run(ShardConfig(), source, tmp_path / "out")


def test_shards_of_before_the_landmarks_are_named_as_old(
    shards: Path, synth_output: Path, tmp_path: Path, restamp: Callable[[Path], None]
) -> None:
    copy = Path(shutil.copytree(shards, tmp_path / "copy"))
    for name in ("_stamp.json", "_begun.json", "index.json"):
        plan = read_json(copy / name)
        plan = {key: value for key, value in plan.items() if key not in ("version", "scheme", "landmarks")}
        write_json(copy / name, plan | ({"version": 1} if name == "index.json" else {}))
    restamp(copy)
    said = "version 1 and not 2: run `unveilify synth` and `unveilify shard` again"
    with pytest.raises(UserError, match=said):
        ShardSet.open(copy)
    assert any(said in finding for finding in verify(copy))
    with pytest.raises(UserError, match=r"an older version \(1, not 2\): run `unveilify shard` again with --force"):
        run(ShardConfig(samples_per_shard=4, identities=2), synth_output, copy)


def test_landmarks_that_are_none(synth_maker: Maker, tmp_path: Path, restamp: Callable[[Path], None]) -> None:
    source = synth_maker(tmp_path / "synth")
    part = source / "part-00000.tar"
    member = next(m for m in tars.members(part) if m.kind == "landmarks.npy")
    data = bytearray(part.read_bytes())
    data[member.offset] ^= 1
    part.write_bytes(data)
    restamp(source)
    with pytest.raises(UserError, match=rf"part-00000\.tar: {member.key} holds no landmarks"):
        run(ShardConfig(), source, tmp_path / "out")


@pytest.mark.parametrize("change", [{"members": []}, {"size_px": 0}, {"identities": -1}, {"splits": {}}])
def test_an_index_of_another_world_is_damaged(
    small_shards: Path, tmp_path: Path, restamp: Callable[[Path], None], change: dict[str, object]
) -> None:
    out = Path(shutil.copytree(small_shards, tmp_path / "out"))
    index = read_json(out / INDEX_JSON)
    write_json(out / INDEX_JSON, index | change)
    restamp(out)
    with pytest.raises(UserError, match="damaged"):
        ShardSet.open(out)
    assert any("damaged" in finding for finding in verify(out))


def test_a_ledger_that_is_none_is_named(small_pairs: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text("[]")
    with pytest.raises(UserError, match=r"mine\.json is no splits\.json"):
        run(ShardConfig(), small_pairs, tmp_path / "out", ledger=tmp_path / "mine.json")
