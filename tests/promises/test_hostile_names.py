"""Names that would act where they are shown, through the whole chain: nothing raw reaches any place that is read."""

import csv
import html.parser
import os
import re
import shutil
import sys
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
import yaml

import unveilify.report
from unveilify.cli import app

PEOPLE = [
    b"\x1b[31mred\x1b]0;title\x07",
    rb"\input{|id}% & $x$ ^^5c #_~",
    b"a|b`c`[x](http:)![y](z)<img src=x onerror=alert(1)>",
    b"two\nlines\r",
    b"\xff\xfe undecodable",
    "\u202egnp.exe\u2066".encode(),
    b"x..",
    b"=HYPERLINK(1)",
    b"[bold]rich[/bold]",
    b"n" * 238,
]
PHOTOS = [b"-2+3\x1b[1m.jpg", b"@SUM(1)|\xfe.jpg", b"\\input\n" + b"p" * 230 + b".jpg"]
RUNS = [
    b"=1+1\x1b[31m\\input{|id}|a|\n<img src=x onerror=alert(1)>$_%&[red]",
    b"r" * 238,
]
"""Names of runs are the names of rows; everything else that a row is called comes from the settings."""

TABLE = [
    ["folder", "=kind|\x1b[1m<b>\\input{x}"],
    *([name.decode(errors="surrogateescape"), f"@{i % 2}|<i>\x07$"] for i, name in enumerate(PEOPLE)),
]


@dataclass
class Chain:
    """What the chain left, and all that it said."""

    root: Path
    said: str


def source(photos: list[Path], root: bytes) -> None:
    for i, person in enumerate(PEOPLE):
        folder = root + b"/" + person
        os.makedirs(folder)
        for photo, name in zip(photos[4 * i :], PHOTOS, strict=False):
            shutil.copy(photo, folder + b"/" + name)


@pytest.fixture(scope="module")
def chain(small_source: Path, tmp_path_factory: pytest.TempPathFactory) -> Chain:
    root = tmp_path_factory.mktemp("hostile")
    source(sorted(small_source.rglob("*.jpg")), os.fsencode(root / "photos"))
    with (root / "people.csv").open("w", encoding="utf-8", errors="replace", newline="") as file:
        csv.writer(file).writerows(TABLE)
    settings = {
        "synth": {"layout": "folder", "size_px": 64, "layout_options": {"people": str(root / "people.csv")}},
        "shard": {"shares": [0.4, 0.2, 0.4]},
        "train": {
            "model": "unveilify", "size_px": 32, "network": {"width": 0.1, "depth": 0.2}, "batch": 2, "samples": 4,
            "validate_every": 4, "validate_on": 2, "recipe": {"lpips": 0, "identity": 0}, "bf16": False,
        },
        "report": {
            "figures": 2, "extremes": 1,
            "evaluate": {"rivals": ["copy"], "metrics": ["psnr"], "timing_runs": 1, "replicates": 100},
        },
    }  # fmt: skip
    (root / "p.yaml").write_text(yaml.safe_dump(settings))
    config = ["--config", str(root / "p.yaml")]
    out = {name: str(root / name) for name in ("synth", "shards", "report")}
    runs = os.fsencode(root / "runs")
    commands = [
        ["synth", "--source", str(root / "photos"), "--out", out["synth"], "--workers", "1", *config],
        ["shard", "--pairs", out["synth"], "--out", out["shards"], *config],
        *(
            ["train", "--shards", out["shards"], "--out", os.fsdecode(runs + b"/" + name), "--threads", "1", *config]
            for name in RUNS
        ),
        ["report", "--shards", out["shards"], "--runs", str(root / "runs"), "--out", out["report"], *config],
        *(["show", folder] for folder in out.values()),
        *(["show", os.fsdecode(runs + b"/" + name)] for name in RUNS),
        ["verify", out["shards"]],
        ["card", out["shards"]],
    ]
    said = [speak(root / "said", words) for words in commands]
    return Chain(root, "\n".join(said))


def speak(log: Path, words: list[str]) -> str:
    """All that one command says, as the terminal gets it; it must end well."""
    with pytest.MonkeyPatch.context() as patch, log.open("w", encoding="utf-8", errors="surrogateescape") as file:
        patch.setattr(sys, "argv", ["unveilify", *words])
        patch.setattr(sys, "stdout", file)
        patch.setattr(sys, "stderr", file)
        with pytest.raises(SystemExit) as left:
            app.main()
    told = log.read_bytes().decode("utf-8")
    assert left.value.code in (0, None), told
    return told


def acts(text: str) -> set[str]:
    """Characters that are not seen but act."""
    return {c for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")}


def test_every_photo_came_through(chain: Chain) -> None:
    table = pd.read_parquet(chain.root / "synth/manifest.parquet")
    assert table["photo"].nunique() == len(PEOPLE) * len(PHOTOS)
    assert table["identity"].nunique() == len(PEOPLE)
    assert (table["status"] == "target").mean() > 0.9
    for names in (table["photo"], table["identity"], table["group"]):
        assert not any("\udc80" <= c <= "\udcff" for c in "".join(names)), "every name can be written anywhere"


def test_nothing_acts_on_the_terminal(chain: Chain) -> None:
    assert acts(chain.said) == set()
    assert "\\x1b[31m" in chain.said, "the name itself is shown"


@pytest.mark.parametrize(
    "name", ["table.txt", "table.md", "table.tex", "table.csv", "table.json", "index.html", "../shards/README.md"]
)
def test_nothing_acts_in_a_text(chain: Chain, name: str) -> None:
    text = (chain.root / "report" / name).read_bytes().decode("utf-8")
    assert acts(text) == set()


def test_rows_of_markdown_have_the_columns_of_their_heads(chain: Chain) -> None:
    lines = (chain.root / "report/table.md").read_text().splitlines()
    bars = [len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) for line in lines]
    for number, line in enumerate(lines):
        if line.startswith("| ---"):
            end = next(n for n in range(number, len(lines) + 1) if n == len(lines) or not lines[n].startswith("|"))
            assert len(set(bars[number - 1 : end])) == 1
    text = "\n".join(lines)
    assert "<img" not in text.replace("\\<img", "")
    assert "[red]" not in text


def test_latex_runs_nothing(chain: Chain) -> None:
    text = (chain.root / "report/table.tex").read_text()
    assert "\\input" not in "\n".join(line for line in text.splitlines() if not line.startswith("%"))
    assert "^^" not in text
    body = [line for line in text.splitlines() if line.endswith(r"\\") and "&" in line]
    assert len({len(re.findall(r"(?<!\\)&", line)) for line in body}) == 1
    assert all(
        re.search(r"(?<!\\)[%$_]", line.replace(r"$\uparrow$", "").replace(r"$\downarrow$", "")) is None
        for line in body
    )


def test_no_cell_is_a_formula(chain: Chain) -> None:
    for path in (*chain.root.joinpath("report").glob("*.csv"), *chain.root.joinpath("synth").glob("*.csv")):
        for row in csv.reader(path.open(encoding="utf-8", newline="")):
            for cell in row:
                assert not cell.lstrip().startswith(("=", "+", "@")), cell
                assert not cell.startswith("-") or re.fullmatch(r"-[\d.]+(e-?\d+)?|-inf", cell), cell


def test_the_page_has_our_elements_only(chain: Chain) -> None:
    class Parser(html.parser.HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append((tag, {name for name, _ in attrs}))

    found: list[tuple[str, set[str]]] = []
    page = (chain.root / "report/index.html").read_text()
    Parser().feed(page)
    assert not {tag for tag, _ in found} & {"b", "i"}
    assert [names for tag, names in found if tag == "script"] == [set()]
    ours = Path(unveilify.report.__file__).parent / "templates/page.js"
    assert re.findall(r"<script>\n(.*?)</script>", page, re.DOTALL) == [ours.read_text()]
    assert all(not name.startswith("on") for _, names in found for name in names)
    assert all(names >= {"src", "alt"} for tag, names in found if tag == "img")


def test_every_run_has_its_curves_and_every_kind_its_table(chain: Chain) -> None:
    assert len(list(chain.root.joinpath("report").glob("curves-*.png"))) == len(RUNS)
    assert "By =kind|" in (chain.root / "report/index.html").read_text()
