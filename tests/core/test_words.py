"""Words of strangers do nothing where they are put."""

import csv
import io
import re
from pathlib import Path

import pytest
from pydantic import Field
from rich.console import Console

from unveilify.core import words
from unveilify.core.config import Config, build, read_yaml
from unveilify.core.errors import UserError
from unveilify.report import terminal

HOSTILE = [
    "\x1b[31mred\x1b]0;title\x07",
    "two\nlines\r\x85\u2028",
    "\u202egnp.exe\u2066",
    "[link](http://evil) ![x](http://evil/y.png) <img src=x onerror=alert(1)> | a | `b`",
    r"\input{|\"id\"} % & $x$ ^^5cinput{x} #_~",
    '=HYPERLINK("http://evil")',
    "@SUM(1)|'/bin/sh'!A1",
    "-2+3",
    "  =1+1",
    "\udcff\udcfe",
    "\x00",
    "[bold]rich[/bold]",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_place_is_left_with_what_acts(name: str) -> None:
    for sink in (words.plain, words.markdown, words.latex, words.comment, words.cell, words.markup, words.figure):
        text = sink(name)
        assert text.isprintable(), (sink, text)
        text.encode("utf-8")
        assert "\n" not in text
        assert "\u202e" not in text


def test_each_place_has_its_own_escapes() -> None:
    assert words.latex(r"\input{|a}") == r"\textbackslash{}input\{\textbar{}a\}"
    assert "^^" not in words.comment("^^Minput")
    assert words.markdown("a|b[c](d)<e>") == r"a\|b\[c\](d)\<e\>"
    assert "http://" not in words.markdown("http://evil")
    assert words.markup("<a href='x'>\"&") == "&lt;a href=&#x27;x&#x27;&gt;&quot;&amp;"
    assert words.cell("=1") == "'=1"
    assert words.cell("김민준 plain_name.jpg") == words.plain("김민준 plain_name.jpg") == "김민준 plain_name.jpg"
    assert next(csv.reader(io.StringIO(words.cell("a\nb")))) == ["a\\nb"]


def test_nothing_else_prints() -> None:
    """Whatever reaches the terminal goes through `words`; a table of rich is handed texts that did."""
    package = Path(words.__file__).parents[1]
    found = [
        f"{path.name}:{number}"
        for path in package.rglob("*.py")
        if path.name != "words.py"
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(r"(?<![.\w])print\(|os\.write\([12]|std(out|err)\.write|typer\.echo|click\.echo", line)
    ]
    assert found == []


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_said_does_not_act(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    words.say(f"a {name} b")
    words.say_lines(name.replace("\n", " "))
    out = io.StringIO()
    Console(file=out, width=1000).print(terminal.escape(f"a {name} b"))
    said = capsys.readouterr().out
    assert said.count("\n") == 2
    assert f"a {words.plain(name)} b" in said, "all of it is shown"
    for text in (said, out.getvalue()):
        assert "".join(text.split("\n")).isprintable()
    assert words.message(f"a {name} b") in out.getvalue(), "what looks like markup of rich, too"


def test_several_lines_stay_lines_and_a_signal_is_one(capfd: pytest.CaptureFixture[str]) -> None:
    words.say_lines("a\x1b[1m\nb\r")
    words.interject("stop\x07")
    told = capfd.readouterr()
    assert told.out == "a\\x1b[1m\nb\\r\n"
    assert told.err == "\nstop\\x07\n"


def test_a_message_does_not_repeat_a_novel(tmp_path) -> None:  # type: ignore[no-untyped-def]
    class Small(Config):
        number: int = Field(1)

    for tree in ({"number": "x" * 10_000_000}, {"y" * 1_000_000: 1}, {"number": {"a": list(range(1_000_000))}}):
        with pytest.raises(UserError) as caught:
            build(Small, tree)
        assert len(str(caught.value)) < 2000
    path = tmp_path / "a.yaml"
    path.write_text("a: [" + "x" * 100_000)
    with pytest.raises(UserError) as caught:
        read_yaml(path)
    assert len(str(caught.value)) < 2000
    path.write_text("a: " + "x" * 1_100_000)
    with pytest.raises(UserError, match="larger than"):
        read_yaml(path)
