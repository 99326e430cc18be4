"""Whatever is asked with --force, what a stage did not write is there afterwards."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from unveilify.core.errors import UserError
from unveilify.shards.config import ShardConfig
from unveilify.shards.reader import ShardSet
from unveilify.shards.split import given_ledger
from unveilify.shards.write import run as shard
from unveilify.synth.config import SynthConfig
from unveilify.synth.run import run as synth

SMALL = SynthConfig(size_px=32, photos_per_part=4, max_people=2)


@pytest.mark.parametrize("through_a_link", [False, True])
def test_input_and_source_survive_force(
    small_pairs: Path, tmp_path: Path, digests: Callable[[Path], dict[str, str]], through_a_link: bool
) -> None:
    home = tmp_path / "home"
    shutil.copytree(small_pairs, home / "synth")
    (home / "photos/person").mkdir(parents=True)
    (home / "photos/person/1.jpg").write_bytes(b"x")
    if through_a_link:
        (tmp_path / "link").symlink_to(home)
        home = tmp_path / "link"
    before = digests(tmp_path)
    for attempt in (
        lambda: shard(ShardConfig(), home / "synth", home / "synth", force=True),
        lambda: shard(ShardConfig(), home / "synth", home, force=True),
        lambda: shard(ShardConfig(), home / "synth", home / "synth/shards", force=True),
        lambda: synth(SMALL, home / "photos", home, force=True),
        lambda: synth(SMALL, home / "photos", home / "photos", force=True),
        lambda: synth(SMALL, home / "photos", home / "photos/out", force=True),
    ):
        with pytest.raises(UserError):
            attempt()
    assert digests(tmp_path) == before


def test_a_photo_or_its_label_that_changed_is_not_up_to_date(small_source: Path, tmp_path: Path) -> None:
    source = Path(shutil.copytree(small_source, tmp_path / "source"))
    synth(SMALL, source, tmp_path / "out")
    photo = sorted(source.rglob("*.jpg"))[0]
    data = photo.read_bytes()
    photo.write_bytes(data[:-3] + b"\x00" + data[-2:])
    with pytest.raises(UserError, match=f"{photo.name} has changed since"):
        synth(SMALL, source, tmp_path / "out")
    photo.write_bytes(data)
    synth(SMALL, source, tmp_path / "out")
    label = sorted(source.rglob("F0001*.json"))[0]
    label.write_text(label.read_text().replace('"x":"', '"x":"1', 1))
    with pytest.raises(UserError, match="another input"):
        synth(SMALL, source, tmp_path / "out")


@pytest.mark.parametrize("ending", ["tar", "preview.jpg"])
@pytest.mark.parametrize("damage", ["cut", "flipped", "gone"])
def test_a_part_damaged_after_a_kill_is_made_again(
    small_source: Path, tmp_path: Path, digests: Callable[[Path], dict[str, str]], ending: str, damage: str
) -> None:
    from unveilify.core import stage
    from unveilify.synth import inputs
    from unveilify.synth.part import make_part
    from unveilify.synth.run import STAGE, VERSION, cut, plan

    synth(SMALL, small_source, tmp_path / "calm")
    config, listing = plan(SMALL, small_source)
    digest = inputs.digest(small_source, listing.photos)
    with stage.opened(tmp_path / "out", STAGE, config, digest, version=VERSION) as out:
        part = cut(config, small_source, listing.photos, out)[0]
        make_part(part)  # and here it was killed
    victim = tmp_path / "out" / part.name(ending)
    data = victim.read_bytes()
    flipped = data[:900] + bytes([data[900] ^ 1]) + data[901:]
    victim.unlink() if damage == "gone" else victim.write_bytes(data[:900] if damage == "cut" else flipped)
    synth(SMALL, small_source, tmp_path / "out")
    assert digests(tmp_path / "out") == digests(tmp_path / "calm")


def test_a_damaged_shard_is_made_again_before_its_index_is_made(
    small_pairs: Path, small_shards: Path, tmp_path: Path, digests: Callable[[Path], dict[str, str]]
) -> None:
    out = Path(shutil.copytree(small_shards, tmp_path / "out"))
    (out / "_stamp.json").unlink()
    victim = out / "train-000000.tar"
    data = bytearray(victim.read_bytes())
    data[5000] ^= 1
    victim.write_bytes(data)
    shard(ShardConfig(samples_per_shard=7), small_pairs, out)
    assert digests(out) == digests(small_shards)


@pytest.mark.parametrize("name", ["index.npy", "index.json"])
def test_no_flipped_bit_of_an_index_is_believed(small_shards: Path, tmp_path: Path, name: str) -> None:
    out = Path(shutil.copytree(small_shards, tmp_path / "out"))
    whole = (out / name).read_bytes()
    for place in np.random.default_rng(0).integers(0, len(whole), 40):
        data = bytearray(whole)
        data[place] ^= 1
        (out / name).write_bytes(data)
        with pytest.raises(UserError, match="not what its stamp says"):
            ShardSet.open(out)
    (out / name).write_bytes(whole)
    ShardSet.open(out)


def test_an_edited_ledger_is_not_believed_where_a_stamp_knows_better(small_shards: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(small_shards, tmp_path / "out"))
    ledger = out / "splits.json"
    ledger.write_text(ledger.read_text().replace('"test"', '"train"', 1))
    for path in (out, ledger):
        with pytest.raises(UserError, match="not what its stamp says"):
            given_ledger(path)
    shutil.copy(ledger, tmp_path / "mine.json")
    given_ledger(tmp_path / "mine.json")


def test_the_second_of_two_processes_says_one_sentence(small_source: Path, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "unveilify", "synth", "--source", str(small_source), "--out", str(tmp_path / "out")]
    words += ["--set", "synth.size_px=32", "--workers", "1"]
    both = [subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=300)[1] for process in both]
    codes = sorted(process.returncode for process in both)
    if codes == [0, 2]:
        assert any("is in use by process" in text and "Traceback" not in text for text in said)
    else:
        assert codes == [0, 0], "one had ended before the other came"
    from unveilify import pipeline

    assert pipeline.check(tmp_path / "out") == []
