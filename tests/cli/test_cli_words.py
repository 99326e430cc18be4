"""Bad input is one sentence that says what to do; the help teaches; the README names every verb."""

import re
from pathlib import Path

import pytest
from command_line import say
from typer.testing import CliRunner

from unveilify import __version__
from unveilify.cli.app import app
from unveilify.core.errors import UserError

VERBS = (
    "sample",
    "synth",
    "shard",
    "train",
    "report",
    "run",
    "mask",
    "find",
    "remove",
    "serve",
    "export",
    "publish",
    "settings",
    "show",
    "verify",
    "card",
    "plugins",
    "weights",
)
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["synth", "--source", "nowhere"], "There is no folder nowhere"),
        (["synth", "--source", "empty"], "There are no files"),
        (["synth", "--source", ".", "--set", "synth.sise_px=3"], r"synth\.size_px"),
        (["synth", "--source", ".", "--config", "none.yaml"], r"none\.yaml"),
        (["shard"], "unveilify synth"),
        (["train"], "unveilify shard"),
        (["report"], "unveilify shard"),
        (["train", "--model", "unveilfy", "--shards", "x"], "unveilify"),
        (["run", "none.yaml"], r"none\.yaml"),
        (["show", "."], "not the finished output"),
        (["verify", "."], "not the finished output"),
        (["weights", "pull", "vgg"], "vgg16"),
        (["mask", ".", "-o", "one.png"], "do not go into one file"),
        (["synth", "--source", ".", "--out", "inside"], "lies inside"),
        (["synth", "--source", ".", "--set", "size_px=3"], r"'synth\.size_px' or"),
        (["mask", "nowhere", "-o", "out"], "nowhere"),
        (["remove", "nowhere.jpg", "-o", "out.png", "--run", "runs/none"], "nowhere.jpg"),
        (["find", "nowhere.jpg", "-o", "out.png"], "nowhere"),
        (["find", "a.jpg", "-o", "out.jpg"], "end in .png"),
        (["serve", "--run", "runs/none"], "unveilify train"),
        (["export", "runs/none", "-o", "out.safetensors"], "unveilify train"),
        (["publish", "runs/none", "-o", "hub"], "unveilify train"),
    ],
)
def test_bad_input_is_one_sentence(words: list[str], hint: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = say(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert re.search(hint, done.stderr), done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    with pytest.raises(UserError):  # nothing catches it, so Python shows where it was raised
        say("shard", "--debug", cwd=tmp_path)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb: str) -> None:
    done = CliRunner().invoke(app, [verb, "--help"])
    assert done.exit_code == 0
    assert len(done.output) > 100


def test_the_readme_names_every_verb() -> None:
    readme = (ROOT / "README.md").read_text()
    assert [verb for verb in VERBS if f"unveilify {verb}" not in readme] == []


def test_there_is_no_verb_without_a_test() -> None:
    commands = [command.callback.__name__ for command in app.registered_commands if command.callback]
    groups = [group.name for group in app.registered_groups]
    assert {*commands, *groups} == set(VERBS)


@pytest.mark.parametrize("file", sorted((ROOT / "pipelines").glob("*.yaml")), ids=lambda path: path.name)
def test_every_pipeline_file_can_be_planned(file: Path, tmp_path: Path) -> None:
    done = say("run", str(file), "--dry-run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "report" in done.stdout
    assert list(tmp_path.iterdir()) == []
    first = file.read_text().splitlines()
    assert any("unveilify run pipelines/" in line for line in first[:6]), "it opens with its exact command"


def test_it_says_which_one_it_is() -> None:
    done = say("--version")
    assert (done.returncode, done.stdout) == (0, f"unveilify {__version__}\n")


def test_words_are_completed_by_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    surroundings = {"_UNVEILIFY_COMPLETE": "complete_bash", "COMP_WORDS": "unveilify re", "COMP_CWORD": "1"}
    done = CliRunner().invoke(app, prog_name="unveilify", env=surroundings)
    assert done.output.split() == ["report", "remove"]
