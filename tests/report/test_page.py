import base64
import re
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

VOID = {"meta", "img", "br"}
ROOT = Path(__file__).parents[2]


class Reader(HTMLParser):
    """Checks that tags close in order and gathers what would be fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.sources: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.sources += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data", "action")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.fixture(scope="module")
def page(small_report: SimpleNamespace) -> str:
    return (small_report.out / "index.html").read_text()


@pytest.fixture(scope="module")
def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    return reader


def test_nothing_is_fetched(page: str, read: Reader) -> None:
    assert read.sources
    assert all(source.startswith(("data:image/", "data:text/plain")) for source in read.sources)
    assert not re.search(r"https?://|@import|url\(|<script [^>]*src|<link|fetch\(|import\(", page)


def test_every_tag_is_closed(read: Reader) -> None:
    assert not read.open


def test_every_embedded_picture_decodes(read: Reader) -> None:
    for source in read.sources:
        if not source.startswith("data:image/"):
            continue
        data = base64.b64decode(source.partition(",")[2], validate=True)
        assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) is not None


def test_it_is_made_for_a_phone(page: str) -> None:
    assert 'name="viewport" content="width=device-width' in page
    assert "overflow-x:auto" in page


def test_it_tells_what_matters(read: Reader) -> None:
    words = " ".join(read.words)
    for expected in (
        "not evidence of who someone is",
        "unveilify report --out <here>",
        "l1: live, lpips: not live: no <trunk>",
        "27.04",
        "95 % bootstrap",
        "torch",
        "PSNR hole ↑ [dB] by style",
        "batch 1",
    ):
        assert expected in words
    assert "adversarial" not in words, "a loss that is off is no news"


def test_who_won_is_said_first(page: str, small_report: SimpleNamespace) -> None:
    first = re.search(r'<p class="headline">(.*?)</p>', page)
    assert first is not None
    assert re.match(r"PSNR hole: paste is best, 16\.92 dB; that is [\d.]+ \[[\d.]+, [\d.]+\] dB above mine, ", first[1])
    assert "24 triplets of 6 people" in page
    assert page.index("headline") < page.index("<table>")


def test_what_can_be_kept_is_what_lies_beside_it(page: str, small_report: SimpleNamespace) -> None:
    kept = dict(re.findall(r'<a download="([^"]+)" href="data:text/plain;charset=utf-8;base64,([^"]+)"', page))
    assert set(kept) == {"table.csv", "table.md", "table.tex"}
    for name, data in kept.items():
        assert base64.b64decode(data) == (small_report.out / name).read_bytes()


def test_when_and_from_what_it_was_made(page: str) -> None:
    date = re.search(r'<p class="date">(.*?)</p>', page)
    assert date is not None
    assert re.match(r"20\d\d-\d\d-\d\d \d\d:\d\d UTC", date[1])
    assert (", commit " in date[1]) == (ROOT / ".git").exists()


@pytest.mark.parametrize("width", [1280, 400])
def test_in_a_browser_columns_sort_and_pictures_open(browser: Any, small_report: SimpleNamespace, width: int) -> None:
    shown = browser.new_context(viewport={"width": width, "height": 800}).new_page()
    shown.goto((small_report.out / "index.html").as_uri())
    table = shown.locator("table").first
    names = table.locator("tbody th")
    before = names.all_inner_texts()
    head = table.locator("thead button").first
    head.click()
    down = [float(words.split()[0]) for words in table.locator("tbody td:nth-child(2)").all_inner_texts()]
    assert down == sorted(down, reverse=True)
    assert table.locator("th[aria-sort=descending]").count() == 1
    head.press("Enter")
    assert names.all_inner_texts() != before
    assert table.locator("th[aria-sort=ascending]").count() == 1
    shown.locator("button.open").first.click()
    assert shown.locator("dialog p").inner_text() == "masked"
    shown.keyboard.press("ArrowLeft")
    assert shown.locator("dialog p").inner_text() == "truth"
    shown.keyboard.press("Escape")
    assert not shown.locator("dialog").is_visible()
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
