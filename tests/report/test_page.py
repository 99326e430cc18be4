import base64
import re
from html.parser import HTMLParser
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

VOID = {"meta", "img", "br"}


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
    assert all(source.startswith("data:image/") for source in read.sources)
    assert not re.search(r"https?://|@import|url\(|<script|<link", page)


def test_every_tag_is_closed(read: Reader) -> None:
    assert not read.open


def test_every_embedded_picture_decodes(read: Reader) -> None:
    for source in read.sources:
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
