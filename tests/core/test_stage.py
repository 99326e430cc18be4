import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from unveilify.core import lock, stage, stamps
from unveilify.core.config import Config
from unveilify.core.errors import UserError, sentence
from unveilify.core.lock import LOCK, OWNER
from unveilify.core.stamps import NOTES
from unveilify.core.storage import read_json, write_json, writing
from unveilify.core.written import OutputFolder


class Settings(Config):
    size_px: int = 64


def make(
    directory: Path, config: Settings | None = None, source: str = "in", stage_name: str = "synth"
) -> stamps.Stamp:
    with stage.opened(directory, stage_name, config or Settings(), source) as out:
        assert out.done is None
        out.write_bytes("part.tar", b"tar")
        return out.commit({"photos": 1})


def again(
    directory: Path, config: Config | None = None, source: str = "in", stage_name: str = "synth", **how: bool
) -> stamps.Stamp | None:
    """What opening the directory says is done."""
    with stage.opened(directory, stage_name, config or Settings(), source, **how) as out:
        return out.done


def begin(directory: Path, *names: str) -> None:
    """A run that was killed after it had written some files."""
    with stage.opened(directory, "synth", Settings(), "in") as out:
        for name in names:
            out.write_bytes(name, b"tar")


def names(directory: Path) -> list[str]:
    return sorted(p.name for p in directory.iterdir() if not p.name.startswith(".unveilify."))


def test_finished_work_is_up_to_date(tmp_path: Path) -> None:
    made = make(tmp_path / "a")
    assert again(tmp_path / "a") == made
    assert stamps.read(tmp_path / "a", "synth", "unveilify synth") == made
    assert list(made.files) == ["part.tar"]


def test_what_was_seen_before_the_lock_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the first look at a folder and its lock another process may have done its work there."""
    held, done = lock.held, []

    def first(other: Callable[[], stamps.Stamp]) -> None:
        def late(directory: Path) -> contextlib.AbstractContextManager[None]:
            monkeypatch.setattr(lock, "held", held)
            done.append(other())
            return held(directory)

        monkeypatch.setattr(lock, "held", late)

    first(lambda: make(tmp_path / "a"))
    assert again(tmp_path / "a") == done[0], "what the other made is there"
    (tmp_path / "a/part.tar").write_bytes(b"cut")
    first(lambda: make(tmp_path / "a"))
    assert again(tmp_path / "a") == done[1], "the other mended it"
    first(lambda: make(tmp_path / "b", stage_name="shard"))
    with pytest.raises(UserError, match="holds the output of 'shard'"):
        again(tmp_path / "b", force=True)
    assert names(tmp_path / "b") == ["_begun.json", "_stamp.json", "part.tar"]


def test_a_link_among_its_folders_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "a").mkdir()
    (tmp_path / "a/samples").symlink_to(tmp_path / "mine")
    with pytest.raises(UserError, match="a/samples is a link, and would be written to"):
        OutputFolder(tmp_path / "a").write_bytes("samples/1.png", b"x")
    assert list((tmp_path / "mine").iterdir()) == []


def test_a_log_alone_is_somebody_elses(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text("mine")
    with pytest.raises(UserError, match="not made by"):
        begin(tmp_path, "whole")
    assert names(tmp_path) == ["log.jsonl"]


@pytest.mark.parametrize("name", sorted(stamps.UNLISTED - {LOCK, OWNER} | {stamps.WORK}))
def test_what_a_link_leads_to_is_not_written_to(tmp_path: Path, name: str) -> None:
    """Of the files that are written in place or swept; others take the place of a link."""
    (tmp_path / "mine/new-year").mkdir(parents=True)
    (tmp_path / "mine/diary").write_text("mine")
    make(tmp_path / "out")
    (tmp_path / "out" / name).unlink(missing_ok=True)
    (tmp_path / "out" / name).symlink_to(tmp_path / "mine" / ("" if name == stamps.WORK else "diary"))
    with pytest.raises(UserError, match=f"{name} is a link"):
        again(tmp_path / "out", force=True)
    assert (tmp_path / "mine/diary").read_text() == "mine"
    assert (tmp_path / "mine/new-year").is_dir()


def test_what_somebody_changed_is_not_swept_away_with_what_is_no_longer_made(tmp_path: Path) -> None:
    theirs = frozenset(["mine.md"])
    with stage.opened(tmp_path, "synth", Settings(), "in", theirs=theirs) as out:
        for name in ("part.tar", "mine.md", "old.md"):
            out.write_bytes(name, b"written")
        out.commit({})
    (tmp_path / "mine.md").write_text("edited")
    (tmp_path / "part.tar").unlink()
    with stage.opened(tmp_path, "synth", Settings(), "in", theirs=theirs) as out:
        assert out.done is None
        out.write_bytes("part.tar", b"written")
        out.commit({})
    assert names(tmp_path) == ["_begun.json", "_stamp.json", "mine.md", "part.tar"]
    assert (tmp_path / "mine.md").read_text() == "edited"


def fails(path: Path, error: type[Exception], *numbers: object) -> None:
    raise error(*(str(path) if number == "PATH" else number for number in numbers))


@pytest.mark.parametrize(
    ("error", "told"),
    [(OSError, (28, "full")), (OSError, (13, "no", "PATH")), (UserError, ("PATH",))],
)
def test_errors_name_the_file_that_people_know(
    tmp_path: Path, error: type[Exception], told: tuple[object, ...]
) -> None:
    with stage.opened(tmp_path / "a", "synth", Settings(), "in") as out:
        with pytest.raises(error) as caught, out.file("best.pt") as path:
            fails(path, error, *told)
        with pytest.raises(error) as deeper, out.file("best.pt") as path, writing(path) as temporary:
            fails(temporary, error, *told)
    for failure in (caught.value, deeper.value):
        said = sentence(failure) if isinstance(failure, OSError) else str(failure)
        assert str(tmp_path / "a/best.pt") in said
        assert "_work" not in said


def test_a_file_is_noted_before_it_takes_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with stage.opened(tmp_path / "a", "synth", Settings(), "in") as out:
        noted = []
        monkeypatch.setattr(Path, "replace", lambda *_: noted.append(list(out.notes())))
        out.write_bytes("part.tar", b"tar")
    assert noted == [["part.tar"]], "a kill between the two leaves a file that nobody knows"


def test_unfinished_work_goes_on_if_it_is_as_it_was_written(tmp_path: Path) -> None:
    begin(tmp_path / "a", "whole", "damaged", "cut", "gone")
    (tmp_path / "a/damaged").write_bytes(b"taz")
    (tmp_path / "a/cut").write_bytes(b"t")
    (tmp_path / "a/gone").unlink()
    with stage.opened(tmp_path / "a", "synth", Settings(), "in") as out:
        kept = {name: out.keep(name) for name in ("whole", "damaged", "cut", "gone", "never")}
        assert kept == {"whole": True, "damaged": False, "cut": False, "gone": False, "never": False}
        made = out.commit({})
    assert list(made.files) == ["whole"]
    assert not (tmp_path / "a/damaged").exists(), "ours, and no part of what was made"


def test_unfinished_input_is_refused(tmp_path: Path) -> None:
    again(tmp_path / "a")
    with pytest.raises(UserError, match="not finished: run `unveilify synth`"):
        stamps.read(tmp_path / "a", "synth", "unveilify synth")


def test_other_settings_are_refused_by_name(tmp_path: Path) -> None:
    make(tmp_path / "a")
    with pytest.raises(UserError, match="size_px: 64 -> 128"):
        again(tmp_path / "a", Settings(size_px=128))


def test_other_input_is_refused(tmp_path: Path) -> None:
    make(tmp_path / "a")
    with pytest.raises(UserError, match="another input"):
        again(tmp_path / "a", source="other")


def test_force_rebuilds(tmp_path: Path) -> None:
    make(tmp_path / "a")
    assert again(tmp_path / "a", Settings(size_px=128), force=True) is None
    assert not (tmp_path / "a/part.tar").exists()


@pytest.mark.parametrize("force", [False, True])
def test_foreign_files_are_never_touched(tmp_path: Path, force: bool) -> None:
    (tmp_path / "thesis.doc").write_bytes(b"years of work")
    with pytest.raises(UserError, match="not empty"):
        again(tmp_path, force=force)
    assert (tmp_path / "thesis.doc").read_bytes() == b"years of work"


def test_another_stages_folder_is_refused(tmp_path: Path) -> None:
    make(tmp_path / "a")
    with pytest.raises(UserError, match="output of 'synth'"):
        again(tmp_path / "a", stage_name="shard")


def test_the_hash_forgets_the_machine(tmp_path: Path) -> None:
    made = make(tmp_path / "a")
    assert made.hash == made.model_copy(update={"software": {"numpy": "99"}}).hash
    assert made.hash != made.model_copy(update={"input": "else"}).hash


def test_leftovers_of_killed_writers_are_swept(tmp_path: Path) -> None:
    begin(tmp_path / "a", "_work/note")
    (tmp_path / "a/.unveilify-x1.tmp").write_bytes(b"half")
    (tmp_path / "a/_work/new-x2").mkdir()
    (tmp_path / "a/_work/new-x2/part.tar").write_bytes(b"half")
    make(tmp_path / "a")
    assert names(tmp_path / "a") == ["_begun.json", "_stamp.json", "part.tar"]


def test_only_what_this_run_wrote_or_kept_is_stamped(tmp_path: Path) -> None:
    """Another report in the same place: what only the old one had goes, what people put there stays, unstamped."""
    begin(tmp_path / "a", "part.tar", "old.png")
    (tmp_path / "a/mine.txt").write_bytes(b"mine")
    with stage.opened(tmp_path / "a", "synth", Settings(size_px=128), "in", replace=True) as out:
        assert out.done is None
        out.write_bytes("part.tar", b"new")
        made = out.commit({})
    assert list(made.files) == ["part.tar"]
    assert names(tmp_path / "a") == ["_begun.json", "_stamp.json", "mine.txt", "part.tar"]
    assert again(tmp_path / "a", Settings(size_px=128), replace=True) == made


@pytest.mark.parametrize("damage", ["missing", "cut", "flipped"])
def test_damaged_output_is_made_again(tmp_path: Path, damage: str) -> None:
    make(tmp_path / "a")
    file = tmp_path / "a/part.tar"
    file.unlink() if damage == "missing" else file.write_bytes({"cut": b"t", "flipped": b"tas"}[damage])
    assert again(tmp_path / "a") is None
    assert not (tmp_path / "a/_stamp.json").exists()


def test_settings_bind_nothing_before_anything_is_made(tmp_path: Path) -> None:
    again(tmp_path / "a")
    (tmp_path / "a/log.jsonl").write_text("{}\n")
    assert again(tmp_path / "a", Settings(size_px=128)) is None
    with stage.opened(tmp_path / "a", "synth", Settings(size_px=128), "in") as out:
        out.write_bytes("part.tar", b"tar")
    with pytest.raises(UserError, match="128 -> 64"):
        again(tmp_path / "a")


def test_a_setting_that_came_since_does_not_undo_what_was_made_without_it(tmp_path: Path) -> None:
    class Grown(Settings):
        sharper: bool = False

    made = make(tmp_path / "a")
    assert again(tmp_path / "a", Grown()) == made
    with pytest.raises(UserError, match="sharper"):
        again(tmp_path / "a", Grown(sharper=True))
    with pytest.raises(UserError, match="size_px: 64 -> 128"):
        again(tmp_path / "a", Grown(size_px=128))


def test_force_removes_what_the_stage_wrote_and_nothing_else(tmp_path: Path) -> None:
    out = tmp_path / "a"
    make(out)
    foreign = {"thesis.doc": b"years", "sub/x.png": b"x", "_work/mine": b"m", "evaluation/row.json": b"{}"}
    for name, data in foreign.items():
        (out / name).parent.mkdir(exist_ok=True)
        (out / name).write_bytes(data)
    assert again(out, Settings(size_px=128), force=True) is None
    assert {name: (out / name).read_bytes() for name in foreign} == foreign
    assert not (out / "part.tar").exists()


def test_force_removes_what_an_unfinished_run_wrote(tmp_path: Path) -> None:
    begin(tmp_path / "a", "part-0.tar", "sub/part-1.tar", "_work/note")
    (tmp_path / "a/part-2.tar").write_bytes(b"not ours")
    assert again(tmp_path / "a", Settings(size_px=128), force=True) is None
    assert names(tmp_path / "a") == ["_begun.json", "part-2.tar"]


def test_force_never_takes_another_stages_output(tmp_path: Path) -> None:
    made = make(tmp_path / "a")
    with pytest.raises(UserError, match="output of 'synth'"):
        again(tmp_path / "a", stage_name="shard", force=True)
    assert again(tmp_path / "a") == made


@pytest.mark.parametrize("name", ["../outside", "/outside", "sub/../../outside", "link/outside"])
def test_a_forged_stamp_removes_nothing_elsewhere(tmp_path: Path, name: str) -> None:
    make(tmp_path / "a")
    (tmp_path / "outside").write_bytes(b"tar")
    (tmp_path / "a/link").symlink_to(tmp_path)
    stamp = read_json(tmp_path / "a/_stamp.json")
    name = str(tmp_path / "outside") if name.startswith("/") else name
    stamp["files"][name] = stamp["files"]["part.tar"]
    write_json(tmp_path / "a/_stamp.json", stamp)
    again(tmp_path / "a", force=True)
    assert (tmp_path / "outside").exists()


def test_files_that_are_in_the_way_are_not_replaced(tmp_path: Path) -> None:
    begin(tmp_path / "a")
    (tmp_path / "a/part.tar").write_bytes(b"mine")
    with pytest.raises(UserError, match="in the way"):
        make(tmp_path / "a")
    assert (tmp_path / "a/part.tar").read_bytes() == b"mine"


def test_what_people_may_edit_survives_force(tmp_path: Path) -> None:
    def build(text: str, *, force: bool) -> None:
        theirs = frozenset({"README.md"})
        with stage.opened(tmp_path / "a", "synth", Settings(), "in", force=force, theirs=theirs) as out:
            if out.done is None:
                if not out.edited("README.md"):
                    out.write_text("README.md", text)
                out.commit({})

    build("one", force=False)
    build("two", force=True)
    assert (tmp_path / "a/README.md").read_text() == "two"
    (tmp_path / "a/README.md").write_text("my words")
    for force in (False, True):
        build("three", force=force)
        assert (tmp_path / "a/README.md").read_text() == "my words"


DAMAGES = ["null", "[]", "{}", "", "{", '{"stage": 3}', '"x"', "\x00"]


@pytest.mark.parametrize("text", DAMAGES)
@pytest.mark.parametrize("force", [False, True])
def test_a_damaged_stamp_is_one_sentence_and_costs_nothing(tmp_path: Path, text: str, force: bool) -> None:
    made = make(tmp_path / "a")
    (tmp_path / "a/_stamp.json").write_text(text)
    with pytest.raises(UserError, match="is damaged: run the command that made it again"):
        stamps.read(tmp_path / "a", "synth", "")
    with stage.opened(tmp_path / "a", "synth", Settings(), "in", force=force) as out:
        assert out.done is None
        assert out.keep("part.tar") != force
        out.write_bytes("part.tar", b"tar")
        assert out.commit({"photos": 1}) == made


@pytest.mark.parametrize("text", DAMAGES)
def test_a_damaged_beginning_does_not_matter_where_there_is_a_stamp(tmp_path: Path, text: str) -> None:
    made = make(tmp_path / "a")
    (tmp_path / "a/_begun.json").write_text(text)
    assert again(tmp_path / "a") == made
    with pytest.raises(UserError, match="other settings"):
        again(tmp_path / "a", Settings(size_px=128))


def test_a_stamp_that_was_taken_away_is_made_again_from_what_is_there(tmp_path: Path) -> None:
    made = make(tmp_path / "a")
    (tmp_path / "a/_stamp.json").unlink()
    with stage.opened(tmp_path / "a", "synth", Settings(), "in") as out:
        assert out.keep("part.tar")
        assert out.commit({"photos": 1}) == made


@pytest.mark.parametrize("text", ["null", "[]", "{}", "", '{"stage": "synth", "version": 1, "config": 3, "input": ""}'])
def test_a_damaged_beginning_is_one_sentence(tmp_path: Path, text: str) -> None:
    begin(tmp_path / "a", "part.tar")
    (tmp_path / "a/_begun.json").write_text(text)
    with pytest.raises(UserError, match=r"is damaged: move .* away"):
        again(tmp_path / "a")


def test_a_damaged_stamp_of_another_stage_stays(tmp_path: Path) -> None:
    make(tmp_path / "a")
    (tmp_path / "a/_stamp.json").write_text("{")
    with pytest.raises(UserError, match="of 'synth'"), stage.opened(tmp_path / "a", "shard", Settings(), "in"):
        pass
    assert (tmp_path / "a/_stamp.json").read_text() == "{"


@pytest.mark.parametrize("name", ["_stamp.json", "_begun.json"])
@pytest.mark.parametrize("what", ["pipe", "device", "folder"])
@pytest.mark.timeout(20)
def test_what_is_no_file_is_read_by_nobody(tmp_path: Path, name: str, what: str) -> None:
    begin(tmp_path / "a", "part.tar")
    path = tmp_path / "a" / name
    path.unlink(missing_ok=True)
    {"pipe": lambda: os.mkfifo(path), "device": lambda: path.symlink_to("/dev/zero"), "folder": path.mkdir}[what]()
    with contextlib.suppress(UserError):  # a pipe in a stamp's place is set aside, as any damaged one
        again(tmp_path / "a")


def test_what_a_named_file_holds_is_part_of_the_settings(tmp_path: Path) -> None:
    class Named(Settings):
        mask: dict[str, dict[str, str]] = {}  # noqa: RUF012 (pydantic copies it)
        landmarks: str = ""

    png, table = tmp_path / "mask.png", tmp_path / "marks.csv"
    for path in (png, table):
        path.write_bytes(b"1")
    config = Named(mask={"custom": {"png": str(png)}}, landmarks=f"mediapipe,sidecar:{table}")
    made = make(tmp_path / "a", config)
    assert again(tmp_path / "a", config) == made
    for path in (png, table):
        path.write_bytes(b"2")
        with pytest.raises(UserError, match=path.name):
            again(tmp_path / "a", config)
        path.write_bytes(b"1")
    assert again(tmp_path / "a", config) == made


def test_another_version_of_the_format_is_named(tmp_path: Path) -> None:
    def made(version: int, *, force: bool = False) -> stamps.Stamp:
        with stage.opened(tmp_path / "a", "synth", Settings(), "in", version=version, force=force) as out:
            out.write_bytes("part.tar", b"tar")
            return out.commit({})

    assert made(1).version == 1
    with pytest.raises(UserError, match=r"an older version \(1, not 2\): run `unveilify synth` again with --force"):
        stamps.read(tmp_path / "a", "synth", "unveilify synth", 2)
    with pytest.raises(UserError, match=r"an older version \(1, not 2\): run `unveilify synth` again with --force"):
        made(2)
    assert made(2, force=True) == stamps.read(tmp_path / "a", "synth", "unveilify synth", 2)
    with pytest.raises(UserError, match=r"a newer version \(2, not 1\)"):
        made(1)


def test_work_of_before_there_were_versions_is_of_the_first(tmp_path: Path) -> None:
    begin(tmp_path / "a", "part.tar")
    plan = read_json(tmp_path / "a" / stamps.BEGUN)
    del plan["version"]
    write_json(tmp_path / "a" / stamps.BEGUN, plan)
    assert again(tmp_path / "a") is None
    with (
        pytest.raises(UserError, match="an older version"),
        stage.opened(tmp_path / "a", "synth", Settings(), "in", version=2),
    ):
        pass


@pytest.mark.parametrize("line", [b"null", b"[]", b"3", b'"x"', b"[" * 50_000, b"\xff", b'{"name": 3}'])
def test_a_note_that_is_none_notes_nothing(tmp_path: Path, line: bytes) -> None:
    (tmp_path / NOTES).write_bytes(line + b"\n")
    assert OutputFolder(tmp_path).notes() == {}


def test_what_is_read_is_compared_with_the_stamp(tmp_path: Path) -> None:
    stamp = make(tmp_path / "a")
    stamps.check(tmp_path / "a", stamp, "part.tar")
    for name in ("part.tar", "another"):
        (tmp_path / "a" / name).write_bytes(b"taz")
        with pytest.raises(UserError, match="not what its stamp says"):
            stamps.check(tmp_path / "a", stamp, name)
