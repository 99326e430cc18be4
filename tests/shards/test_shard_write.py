"""The stage `shard`: same bytes however it ran, nothing lost, nobody in two splits, plain tars."""

import io
import json
import random
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import webdataset

from unveilify.core import stamps, tars
from unveilify.core.errors import UserError
from unveilify.core.landmark_rows import encode
from unveilify.core.storage import canonical_json, read_json
from unveilify.shards.config import ShardConfig
from unveilify.shards.reader import ShardSet
from unveilify.shards.split import SPLITS, read_ledger
from unveilify.shards.stream import in_order
from unveilify.shards.tables import describe
from unveilify.shards.verify import verify
from unveilify.shards.write import run

Maker = Callable[..., Path]
Reader = Callable[[Path], dict[str, bytes]]
SMALL = ShardConfig(samples_per_shard=4, identities=2)

SCRIPT = """
import sys
from pathlib import Path
from unveilify.shards.config import ShardConfig
from unveilify.shards.write import run
if __name__ == "__main__":
    config = ShardConfig.model_validate_json(sys.argv[1])
    run(config, Path(sys.argv[2]), Path(sys.argv[3]), workers=int(sys.argv[4]))
    assert "torch" not in sys.modules, "the stage shard needs no torch"
"""


def start(tmp_path: Path, config: ShardConfig, source: Path, out: Path, workers: int) -> subprocess.Popen[bytes]:
    (tmp_path / "go.py").write_text(SCRIPT)
    command = [sys.executable, str(tmp_path / "go.py"), config.model_dump_json(), str(source), str(out), str(workers)]
    return subprocess.Popen(command, stderr=subprocess.PIPE)


@pytest.mark.parametrize("workers", [2, 5])
def test_same_bytes_for_any_number_of_workers(
    workers: int, synth_output: Path, shards: Path, tmp_path: Path, read_all: Reader
) -> None:
    stamp = run(SMALL, synth_output, tmp_path / "out", workers=workers)
    assert read_all(tmp_path / "out") == read_all(shards)
    assert stamp.hash == stamps.read(shards, "shard", "").hash


def test_runs_without_torch_and_reruns_as_up_to_date(synth_output: Path, shards: Path, tmp_path: Path) -> None:
    for expected in ("", "up to date"):
        process = start(tmp_path, SMALL, synth_output, tmp_path / "out", 1)
        told = process.communicate()[1].decode()
        assert process.returncode == 0, told
        assert expected in told
    assert (tmp_path / "out" / "_stamp.json").read_bytes() == (shards / "_stamp.json").read_bytes()


def kill_and_finish(out: Path, source: Path, config: ShardConfig, files: int, later_s: float = 0.0) -> bool:
    """Start the stage with two workers, SIGKILL it so long after it has so many files, finish it; was it killed?"""
    process = start(out.parent, config, source, out, 2)
    while process.poll() is None and sum(path.is_file() for path in out.rglob("*")) < files:
        time.sleep(0.002)
    time.sleep(later_s)
    process.kill()
    process.communicate()
    run(config, source, out)
    return process.returncode == -signal.SIGKILL


def test_killed_in_the_middle_and_run_again_gives_the_same_bytes(
    synth_maker: Maker, tmp_path: Path, read_all: Reader
) -> None:
    source = synth_maker(tmp_path / "synth", people=40, per_part=40)
    config = ShardConfig(samples_per_shard=2)
    run(config, source, tmp_path / "calm")
    assert kill_and_finish(tmp_path / "out", source, config, files=9)
    assert read_all(tmp_path / "out") == read_all(tmp_path / "calm")
    assert verify(tmp_path / "out") == []


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_killed_at_any_moment(synth_maker: Maker, tmp_path: Path, read_all: Reader) -> None:
    source = synth_maker(tmp_path / "synth", people=40, per_part=40)
    config = ShardConfig(samples_per_shard=2)
    run(config, source, tmp_path / "calm")
    draw, most, killed = random.Random(0), sum(path.is_file() for path in (tmp_path / "calm").rglob("*")), 0
    for n in range(20):
        out = tmp_path / f"killed{n}"
        killed += kill_and_finish(out, source, config, draw.randint(1, most - 2), draw.uniform(0, 0.1))
        assert read_all(out) == read_all(tmp_path / "calm")
    assert killed > 10, "most kills came in time"


def test_whole_shards_are_kept_and_damaged_ones_made_again(
    synth_output: Path, shards: Path, tmp_path: Path, read_all: Reader
) -> None:
    out = tmp_path / "out"
    run(SMALL, synth_output, out)
    (out / "_stamp.json").unlink()
    whole, cut = out / "train-000000.tar", out / "train-000001.tar"
    before = whole.stat().st_ino
    cut.write_bytes(cut.read_bytes()[:5000])
    (out / ".unveilify-x.tmp").write_bytes(b"left by a killed writer")
    run(SMALL, synth_output, out)
    assert whole.stat().st_ino == before
    assert read_all(out) == read_all(shards)


def test_a_card_that_somebody_edited_stays(synth_output: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(SMALL, synth_output, out)
    written = (out / "README.md").read_text()
    (out / "README.md").write_text(written + "\nAnd what I have to say of it.\n")
    (out / "train-000000.tar").unlink()
    for again in ({}, {"force": True}):
        run(SMALL, synth_output, out, **again)
        assert (out / "README.md").read_text() == written + "\nAnd what I have to say of it.\n"
        assert verify(out) == []
    (out / "README.md").unlink()
    run(SMALL, synth_output, out, force=True)
    assert (out / "README.md").read_text() == written


def test_webdataset_and_tarfile_read_the_shards(shards: Path, synth_output: Path) -> None:
    names = {"identity.0.jpg", "identity.1.jpg", "json", "landmarks.npy", "mask.png", "masked.jpg", "unmasked.jpg"}
    manifest = pd.read_parquet(shards / "manifest.parquet").set_index("key")
    jpegs = _unmasked(synth_output)
    for split in SPLITS:
        paths = sorted(shards.glob(f"{split}-*.tar"))
        plain = webdataset.WebDataset([str(path) for path in paths], shardshuffle=False, empty_check=False)
        samples = list(plain)
        assert len(samples) == (manifest["split"].eq(split) & manifest["status"].eq("triplet")).sum()
        for sample in samples:
            assert {name for name in sample if not name.startswith("_")} == names
            meta = json.loads(sample["json"])
            told = meta["identities"]
            assert sample["unmasked.jpg"] == jpegs[sample["__key__"]]
            assert [sample["identity.0.jpg"], sample["identity.1.jpg"]] == [
                jpegs[told["keys"][i % told["real"]]] for i in range(2)
            ]
            assert told["photos"] == [manifest.loc[key, "photo"] for key in told["keys"]]
            for key in told["keys"]:
                assert manifest.loc[key, "identity"] == meta["identity"]
                assert manifest.loc[key, "split"] == split
        with tarfile.open(paths[0]) as tar:
            assert all(member.mtime == 0 for member in tar)


def _unmasked(synth_output: Path) -> dict[str, bytes]:
    paths = [str(path) for path in sorted(synth_output.glob("part-*.tar"))]
    return {sample["__key__"]: sample["unmasked.jpg"] for sample in webdataset.WebDataset(paths, shardshuffle=False)}


def test_in_is_out_plus_rejects(shards: Path, synth_output: Path) -> None:
    counts = stamps.read(shards, "shard", "").counts
    before, after = (pd.read_parquet(folder / "manifest.parquet") for folder in (synth_output, shards))
    assert after["photo"].tolist() == before["photo"].tolist()
    assert counts["rows"] == len(before) == counts["triplet"] + counts["identity"] + counts["rejected"]
    rejected = after[after["status"] == "rejected"]
    assert rejected["reason"].notna().all()
    assert rejected["split"].isna().all()
    alone = after[after["reason"] == "no_identity_image"]
    assert (before[before["status"] != "rejected"]["identity"].value_counts()[alone["identity"]] == 1).all()
    assert set(rejected["reason"]) == {"no_face", "no_identity_image"}
    assert "rejected 9 of 39 photos: no_face 6, no_identity_image 3" in describe(counts)


def test_families_stay_together_unless_identity_is_the_group(shards: Path, synth_output: Path, tmp_path: Path) -> None:
    filed = pd.read_parquet(shards / "manifest.parquet").dropna(subset=["split"])
    assert (filed.groupby("group")["split"].nunique() == 1).all()
    run(ShardConfig(group="identity"), synth_output, tmp_path / "out")
    apart = pd.read_parquet(tmp_path / "out" / "manifest.parquet").dropna(subset=["split"])
    assert (apart.groupby("identity")["split"].nunique() == 1).all()
    assert (apart.groupby("group")["split"].nunique() > 1).any()
    assert verify(tmp_path / "out") == []


def test_the_cap_and_one_identity_image(synth_output: Path, tmp_path: Path) -> None:
    run(ShardConfig(max_per_identity=1), synth_output, tmp_path / "out")
    table = pd.read_parquet(tmp_path / "out" / "manifest.parquet")
    triplets = table[table["status"] == "triplet"]
    assert (triplets["identity"].value_counts() == 1).all()
    capped = table[table["reason"] == "max_per_identity"]
    assert {"identity", "rejected"} >= set(capped["status"])
    assert (capped["uses"].gt(0) == capped["status"].eq("identity")).all()
    with tarfile.open(tmp_path / "out" / "train-000000.tar") as tar:
        assert {name.partition(".")[2] for name in tar.getnames()} == {
            "identity.jpg", "json", "landmarks.npy", "mask.png", "masked.jpg", "unmasked.jpg",
        }  # fmt: skip
    assert verify(tmp_path / "out") == []


def test_a_ledger_keeps_groups_where_they_were(synth_maker: Maker, tmp_path: Path) -> None:
    small = synth_maker(tmp_path / "small", people=12)
    large = synth_maker(tmp_path / "large", people=60)
    run(ShardConfig(), small, tmp_path / "old")
    first = run(ShardConfig(), large, tmp_path / "new", ledger=tmp_path / "old")
    old, new = read_ledger(tmp_path / "old").groups, read_ledger(tmp_path / "new").groups
    assert old.items() <= new.items()
    assert [first.counts[f"{name}.groups"] for name in SPLITS] == [24, 3, 3]
    without = run(ShardConfig(), large, tmp_path / "without")
    assert without.input != first.input
    assert not old.items() <= read_ledger(tmp_path / "without").groups.items()
    with pytest.raises(UserError, match="another input"):
        run(ShardConfig(), large, tmp_path / "new")


def _copy_across(rows: list[dict[str, Any]]) -> None:
    """The first photo of everybody is the same file."""
    for row in rows:
        if row["photo"].endswith("/0.jpg"):
            row["sha256"] = "ab" * 32


def test_leaks_are_listed_and_dropped_on_request(synth_maker: Maker, tmp_path: Path) -> None:
    source = synth_maker(tmp_path / "synth", people=12, edit=_copy_across)
    kept = run(ShardConfig(), source, tmp_path / "kept")
    listed = read_json(tmp_path / "kept" / "leaks.json")["leaks"]
    assert len(listed) == kept.counts["leaks"] > 0
    assert {leak["kind"] for leak in listed} == {"same photo"}
    assert "leak between splits" in describe(kept.counts)
    run(ShardConfig(drop_leaks=True), source, tmp_path / "dropped")
    table = pd.read_parquet(tmp_path / "dropped" / "manifest.parquet")
    left = table[table["status"] != "rejected"]
    assert left[left["sha256"] == "ab" * 32]["split"].nunique() == 1
    assert (table["reason"] == "leak").any()
    assert verify(tmp_path / "dropped") == []


def test_shares_must_add_up() -> None:
    with pytest.raises(ValueError, match="add up to 1"):
        ShardConfig(shares=(0.8, 0.1, 0.2))


def test_the_card_and_the_croissant_file_say_what_is_there(shards: Path) -> None:
    counts = stamps.read(shards, "shard", "").counts
    card = (shards / "README.md").read_text()
    assert card.startswith("---\n")
    assert f"| train | {counts['train.triplets']} |" in card
    croissant = read_json(shards / "croissant.json")
    assert croissant["conformsTo"] == "http://mlcommons.org/croissant/1.0"
    files = {entry["@id"]: entry for entry in croissant["distribution"] if entry["@type"] == "cr:FileObject"}
    listed = stamps.read(shards, "shard", "").files
    assert {name: entry["sha256"] for name, entry in files.items()} == {
        name: file.sha256 for name, file in listed.items() if name.endswith(".tar")
    }


def test_landmarks_travel_with_every_picture(shards: Path, synth_output: Path) -> None:
    """As webdataset decodes them: bare, masked, and one row per identity image, repeats repeating."""
    paths = [str(path) for path in sorted(synth_output.glob("part-*.tar"))]
    stored = {one["__key__"]: one["landmarks.npy"] for one in webdataset.WebDataset(paths, shardshuffle=False).decode()}
    packed = [str(path) for path in sorted(shards.glob("*.tar"))]
    missed = 0
    for sample in webdataset.WebDataset(packed, shardshuffle=False).decode():
        rows, told = sample["landmarks.npy"], sample["json"]["identities"]
        assert rows.shape == (4, 5, 2)
        np.testing.assert_array_equal(rows[:2], stored[sample["__key__"]])
        for i in range(2):
            np.testing.assert_array_equal(rows[2 + i], stored[told["keys"][i % told["real"]]][0])
        missed += int(np.isnan(rows[1]).all())
    assert missed > 0
    about = read_json(shards / "index.json")
    assert (about["version"], about["scheme"], about["landmarks"]) == (2, "five", [5, 2])


def test_landmarks_of_another_scheme_are_unknown(
    synth_maker: Maker, tmp_path: Path, restamp: Callable[[Path], None]
) -> None:
    """A source whose photos are served by several backends: the shards' scheme is that of most triplets."""
    source = synth_maker(tmp_path / "synth", photos=lambda person: 3, per_part=1)
    for part in sorted(source.glob("part-*.tar"))[::3]:
        stored = tar_members(part)
        with tars.writing(part) as tar:
            for key, members in stored.items():
                rows = len(np.load(io.BytesIO(members["landmarks.npy"])))
                points = np.full((rows, 68, 3), 7, np.float32)
                meta = json.loads(members["json"]) | {"landmarks": {"scheme": "ibug68"}}
                tars.add(tar, key, members | {"landmarks.npy": encode(points), "json": canonical_json(meta)})
    restamp(source)
    run(ShardConfig(), source, tmp_path / "out")
    assert verify(tmp_path / "out") == []
    split = ShardSet.open(tmp_path / "out").split("train")
    assert (split.index.scheme, split.index.landmarks) == ("five", (5, 2))
    batch = next(in_order(split, len(split)))
    kinds = set()
    for i in range(len(split)):
        rows = np.stack(split.read(i).landmarks)
        other = rows.shape[1:] == (68, 3)
        kinds.add((other, bool(np.isnan(rows[2]).all())))
        assert bool(torch.isnan(batch.landmarks[i]).all()) == other
    assert kinds >= {(False, False), (False, True), (True, True)}


def test_people_with_one_photo_have_a_grey_identity_image_on_request(synth_output: Path, tmp_path: Path) -> None:
    config = ShardConfig(samples_per_shard=4, identities=2, singles=True)
    stamp = run(config, synth_output, tmp_path / "out")
    assert "rejected.no_identity_image" not in stamp.counts
    assert verify(tmp_path / "out") == []
    alone = 0
    for name in SPLITS:
        split = ShardSet.open(tmp_path / "out").split(name)
        for i in range(len(split)):
            triplet = split.read(i)
            assert triplet.landmarks is not None
            if triplet.real == 0:
                alone += 1
                assert triplet.meta["identities"] == {"real": 0, "keys": [""], "photos": [""]}
                assert all(image.shape == triplet.masked.shape and (image == 128).all() for image in triplet.identity)
                assert np.isnan(triplet.landmarks[2:]).all()
                assert np.isfinite(triplet.landmarks[0]).all()
            else:
                assert np.isfinite(triplet.landmarks[2:]).all()
    assert alone == 3
    out = tmp_path / "out"
    (out / "_stamp.json").unlink()
    inodes = {path.name: path.stat().st_ino for path in out.glob("*.tar")}
    assert run(config, synth_output, out).hash == stamp.hash
    assert {path.name: path.stat().st_ino for path in out.glob("*.tar")} == inodes, "whole shards are kept"


def tar_members(path: Path) -> dict[str, dict[str, bytes]]:
    found: dict[str, dict[str, bytes]] = {}
    for member in tars.members(path):
        found.setdefault(member.key, {})[member.kind] = tars.pread(path, member.offset, member.size)
    return found
