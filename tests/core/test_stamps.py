from pathlib import Path

import pytest

from unveilify.core import stamps
from unveilify.core.config import Config
from unveilify.core.errors import UserError
from unveilify.core.storage import read_json, write_json


class Settings(Config):
    size_px: int = 64


def make(directory: Path, config: Settings | None = None, source: str = "in") -> stamps.Stamp:
    config = config or Settings()
    assert stamps.begin(directory, "synth", config, source) is None
    (directory / "part.tar").write_bytes(b"tar")
    return stamps.commit(directory, "synth", config, source, {"photos": 1})


def test_finished_work_is_up_to_date(tmp_path: Path) -> None:
    made = make(tmp_path / "a")
    assert stamps.begin(tmp_path / "a", "synth", Settings(), "in") == made
    assert stamps.read(tmp_path / "a", "synth", "unveilify synth") == made
    assert list(made.files) == ["part.tar"]


def test_unfinished_work_goes_on(tmp_path: Path) -> None:
    assert stamps.begin(tmp_path / "a", "synth", Settings(), "in") is None
    (tmp_path / "a/part-0.tar").write_bytes(b"tar")
    assert stamps.begin(tmp_path / "a", "synth", Settings(), "in") is None
    assert (tmp_path / "a/part-0.tar").is_file()


def test_unfinished_input_is_refused(tmp_path: Path) -> None:
    stamps.begin(tmp_path / "a", "synth", Settings(), "in")
    with pytest.raises(UserError, match="not finished: run `unveilify synth`"):
        stamps.read(tmp_path / "a", "synth", "unveilify synth")


def test_other_settings_are_refused_by_name(tmp_path: Path) -> None:
    make(tmp_path / "a")
    with pytest.raises(UserError, match="size_px: 64 -> 128"):
        stamps.begin(tmp_path / "a", "synth", Settings(size_px=128), "in")


def test_other_input_is_refused(tmp_path: Path) -> None:
    make(tmp_path / "a")
    with pytest.raises(UserError, match="another input"):
        stamps.begin(tmp_path / "a", "synth", Settings(), "other")


def test_force_rebuilds(tmp_path: Path) -> None:
    make(tmp_path / "a")
    assert stamps.begin(tmp_path / "a", "synth", Settings(size_px=128), "in", force=True) is None
    assert not (tmp_path / "a/part.tar").exists()


@pytest.mark.parametrize("force", [False, True])
def test_foreign_files_are_never_touched(tmp_path: Path, force: bool) -> None:
    (tmp_path / "thesis.doc").write_bytes(b"years of work")
    with pytest.raises(UserError, match="not empty"):
        stamps.begin(tmp_path, "synth", Settings(), "in", force=force)
    assert (tmp_path / "thesis.doc").read_bytes() == b"years of work"


def test_another_stages_folder_is_refused(tmp_path: Path) -> None:
    make(tmp_path / "a")
    with pytest.raises(UserError, match="output of 'synth'"):
        stamps.begin(tmp_path / "a", "shard", Settings(), "in")


def test_the_hash_forgets_the_machine(tmp_path: Path) -> None:
    made = make(tmp_path / "a")
    assert made.hash == made.model_copy(update={"software": {"numpy": "99"}}).hash
    assert made.hash != made.model_copy(update={"input": "else"}).hash


def test_leftovers_of_killed_writers_are_swept(tmp_path: Path) -> None:
    stamps.begin(tmp_path / "a", "synth", Settings(), "in")
    (tmp_path / "a/.part.tar.x1.tmp").write_bytes(b"half")
    (tmp_path / "a/_work").mkdir()
    (tmp_path / "a/_work/part.parquet").write_bytes(b"note")
    made = stamps.commit(tmp_path / "a", "synth", Settings(), "in", {})
    assert made.files == {}
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == ["_begun.json", "_stamp.json"]


def test_a_replacing_stage_keeps_what_it_can_use(tmp_path: Path) -> None:
    make(tmp_path / "a")
    assert stamps.begin(tmp_path / "a", "synth", Settings(size_px=128), "in", replace=True) is None
    assert (tmp_path / "a/part.tar").is_file()
    assert not (tmp_path / "a/_stamp.json").exists()
    made = stamps.commit(tmp_path / "a", "synth", Settings(size_px=128), "in", {})
    assert stamps.begin(tmp_path / "a", "synth", Settings(size_px=128), "in", replace=True) == made


@pytest.mark.parametrize("damage", ["missing", "cut"])
def test_damaged_output_is_made_again(tmp_path: Path, damage: str) -> None:
    make(tmp_path / "a")
    file = tmp_path / "a/part.tar"
    file.unlink() if damage == "missing" else file.write_bytes(b"t")
    assert stamps.begin(tmp_path / "a", "synth", Settings(), "in") is None
    assert not (tmp_path / "a/_stamp.json").exists()


def test_settings_bind_nothing_before_anything_is_made(tmp_path: Path) -> None:
    stamps.begin(tmp_path / "a", "synth", Settings(), "in")
    (tmp_path / "a/log.jsonl").write_text("{}\n")
    assert stamps.begin(tmp_path / "a", "synth", Settings(size_px=128), "in") is None
    (tmp_path / "a/part.tar").write_bytes(b"tar")
    with pytest.raises(UserError, match="128 -> 64"):
        stamps.begin(tmp_path / "a", "synth", Settings(), "in")


def test_a_setting_that_came_since_does_not_undo_what_was_made_without_it(tmp_path: Path) -> None:
    class Grown(Settings):
        sharper: bool = False

    made = make(tmp_path / "a")
    assert stamps.begin(tmp_path / "a", "synth", Grown(), "in") == made
    with pytest.raises(UserError, match="sharper"):
        stamps.begin(tmp_path / "a", "synth", Grown(sharper=True), "in")
    with pytest.raises(UserError, match="size_px: 64 -> 128"):
        stamps.begin(tmp_path / "a", "synth", Grown(size_px=128), "in")


def test_another_version_of_the_format_is_named(tmp_path: Path) -> None:
    made = make(tmp_path / "a")
    assert made.version == 1
    with pytest.raises(UserError, match=r"an older version \(1, not 2\): run `unveilify synth` again with --force"):
        stamps.read(tmp_path / "a", "synth", "unveilify synth", 2)
    with pytest.raises(UserError, match=r"an older version \(1, not 2\): run `unveilify synth` again with --force"):
        stamps.begin(tmp_path / "a", "synth", Settings(), "in", version=2)
    assert stamps.begin(tmp_path / "a", "synth", Settings(), "in", version=2, force=True) is None
    stamps.commit(tmp_path / "a", "synth", Settings(), "in", {}, 2)
    assert stamps.read(tmp_path / "a", "synth", "unveilify synth", 2).version == 2
    with pytest.raises(UserError, match=r"a newer version \(2, not 1\)"):
        stamps.begin(tmp_path / "a", "synth", Settings(), "in")


def test_work_of_before_there_were_versions_is_of_the_first(tmp_path: Path) -> None:
    stamps.begin(tmp_path / "a", "synth", Settings(), "in")
    plan = read_json(tmp_path / "a" / stamps.BEGUN)
    del plan["version"]
    write_json(tmp_path / "a" / stamps.BEGUN, plan)
    (tmp_path / "a/part.tar").write_bytes(b"tar")
    assert stamps.begin(tmp_path / "a", "synth", Settings(), "in") is None
    with pytest.raises(UserError, match="an older version"):
        stamps.begin(tmp_path / "a", "synth", Settings(), "in", version=2)
