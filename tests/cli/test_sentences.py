"""Every error that a person can cause is one sentence with what to do, exit code 2 and no traceback."""

import errno
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import say

from unveilify.cli import app
from unveilify.core.errors import sentence

UNDECODABLE = os.fsdecode(b"named-\xff")


def said(*words: str) -> str:
    done = say(*words)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr.strip()


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("file", "mine.png", "network.safetensors", "results/1.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "photos/person").mkdir(parents=True)
    (tmp_path / UNDECODABLE).mkdir()
    (tmp_path / "photos/person/1.jpg").write_bytes(b"no picture")
    for name, text in {"null": "null", "list": "[]", "words": '{"stage": 3}', "torn": "{"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "_stamp.json").write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [
        ["sample", "file"],
        ["synth", "--source", "file"],
        ["synth", "--source", "photos", "--out", "file"],
        ["synth", "--source", "photos", "--out", "file/deeper"],
        ["synth", "--source", "photos", "--out", "photos"],
        ["synth", "--source", "photos", "--out", "."],
        ["shard", "--pairs", "file"],
        ["shard", "--pairs", "nowhere", "--out", "nowhere"],
        ["shard", "--pairs", "null", "--out", "new"],
        ["train", "--shards", "list", "--out", "new"],
        ["train", "--shards", "file", "--out", "new"],
        ["report", "--shards", "torn", "--out", "new"],
        ["report", "--shards", "photos", "--out", "photos"],
        ["verify", "null"],
        ["verify", "list"],
        ["verify", "words"],
        ["verify", "torn"],
        ["verify", "file"],
        ["show", "nowhere"],
        ["show", "list"],
        ["card", "torn"],
        ["export", "nowhere", "-o", "x.safetensors"],
        ["export", "file", "-o", "file"],
        ["export", "file", "-o", "photos"],
        ["export", "file", "-o", "photos/person/1.jpg"],
        ["export", "file", "-o", "network.safetensors"],
        ["find", "photos/person/1.jpg", "-o", "mine.png"],
        ["find", "photos/person/1.jpg", "-o", "results"],
        ["remove", "photos/person/1.jpg", "-o", "mine.png"],
        ["remove", "photos/person/1.jpg", "-o", "results"],
        ["remove", "photos/person/1.jpg", "-o", "null/x.png"],
        ["remove", "nothing.jpg", "-o", "file/x.png"],
        ["synth", "--source", "photos", "--out", UNDECODABLE],
        ["shard", "--pairs", UNDECODABLE, "--out", "new"],
        ["train", "--shards", "file", "--out", UNDECODABLE],
        ["report", "--shards", "torn", "--out", UNDECODABLE],
        ["export", UNDECODABLE, "-o", "new.safetensors"],
        ["remove", "photos/person/1.jpg", "-o", "new.png", "--run", UNDECODABLE],
        ["remove", "photos/person/1.jpg", "-o", ""],
        ["synth", "--source", "photos", "--out="],
        ["mask", "", "-o", "new"],
        ["run", "nowhere.yaml"],
        ["run", "photos"],
    ],
    ids=lambda words: " ".join(words).encode(errors="replace").decode(),
)
def test_mistakes_are_sentences(there: Path, words: list[str]) -> None:
    before = {path: path.read_bytes() for path in there.rglob("*") if path.is_file()}
    text = said(*words)
    assert text.startswith("unveilify: ")
    assert text.endswith(".")
    assert "[Errno" not in text
    if any(word in ("mine.png", "results", "network.safetensors") for word in words):
        assert "there already" in text
        assert "--force" in text
    if UNDECODABLE in words:
        assert "is not UTF-8" in text
    assert {path: path.read_bytes() for path in there.rglob("*") if path.is_file()} == before, "nothing was touched"


@pytest.mark.parametrize(
    "number",
    [
        errno.ENOSPC,
        errno.EACCES,
        errno.ENOENT,
        errno.EEXIST,
        errno.EISDIR,
        errno.ENOTDIR,
        errno.EFBIG,
        errno.ENOTTY,
        9999,
    ],
)
def test_errors_of_the_disk_are_sentences(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def fail() -> None:
        raise OSError(number, "what the system says", "some/file")

    monkeypatch.setattr(app, "app", fail)
    text = said()
    assert "some/file" in text
    assert ": " in text.removeprefix("unveilify: "), "what to do"
    assert "Errno" not in text


def test_an_error_without_a_number_stays_short() -> None:
    assert len(sentence(OSError("long " * 10_000))) < 600


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 147456 bytes."),
        RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB."),
    ],
)
def test_no_memory_is_a_sentence(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(app, "app", fail)
    assert "fewer --workers" in said()


def test_another_error_of_torch_is_shown_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(app, "app", fail)
    with pytest.raises(RuntimeError, match="of ours"):
        said()


@pytest.mark.parametrize(
    "words",
    [
        ["train", "--max-minutes", "nan"],
        ["train", "--max-minutes", "-1"],
        ["train", "--landmark-noise", "nan"],
        ["train", "--set", "train.seed=-1"],
        ["train", "--set", f"train.seed={2**64}"],
        ["train", "--set", "train.recipe.lr_g=.nan"],
        ["run", "nowhere.yaml", "--max-minutes", "nan"],
        ["report", "--set", "report.evaluate.seed=-1"],
        ["synth", "--source", "photos", "--max-rejects", "nan"],
        ["synth", "--source", "photos", "--set", "synth.mask.styles.surgical=.inf"],
        ["settings", "nothing"],
    ],
    ids=" ".join,
)
def test_numbers_out_of_this_world_are_refused_where_they_are_typed(there: Path, words: list[str]) -> None:
    text = said(*words)
    assert re.search(r"finite|greater than|less than|no section", text)
    assert not any(there.rglob("_begun.json"))


INTERRUPTED = """
import runpy, sys

class Interrupt:
    def find_spec(self, module, path=None, target=None):
        if module == name:
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupt())
name, sys.argv = sys.argv[1], ["unveilify", "verify", "nowhere"]
runpy.run_module("unveilify", run_name="__main__")
"""


@pytest.mark.parametrize(
    "module", ["typer", "unveilify.cli.mask", "unveilify.core.errors", "unveilify.pipeline", "yaml"]
)
def test_ctrl_c_while_it_is_loading_is_no_traceback(module: str) -> None:
    done = subprocess.run([sys.executable, "-c", INTERRUPTED, module], capture_output=True, text=True, check=False)
    assert done.returncode in (130, -signal.SIGINT)
    assert "Traceback" not in done.stderr
