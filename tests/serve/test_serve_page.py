"""The page in a real browser: a photo goes in, and the result is seen, on a screen and on a telephone."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unveilify
from unveilify.core.pictures import encode_png, read

PATIENCE_MS = 180_000

pytest.importorskip("gradio", reason="needs `pip install 'unveilify[serve]'`")


@dataclass(frozen=True)
class Served:
    """A page that is up, and where it keeps what it is given."""

    address: str
    process: subprocess.Popen[str]
    temporary: Path


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@pytest.fixture(scope="module")
def served(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    temporary = tmp_path_factory.mktemp("temporary")
    words = [sys.executable, "-m", "unveilify", "serve", "--port", str(free_port()), "--device", "cpu", "--max-mb", "2"]
    surroundings = os.environ | {"TMPDIR": str(temporary)}
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=surroundings) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "The page is at http://127.0.0.1:" in line, line
        yield Served(line.split()[4], process, temporary)
        process.kill()


@pytest.fixture(scope="module")
def pictures(astronaut: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    (folder / "me.png").write_bytes(encode_png(astronaut))
    (folder / "masked.png").write_bytes(encode_png(unveilify.draw_mask(astronaut, style="surgical").image))
    rng = np.random.default_rng(0)
    (folder / "large.png").write_bytes(encode_png(rng.integers(0, 256, (1200, 1200, 3), np.uint8)))
    return folder


def opened(browser: Any, served: Served, width: int, scheme: str = "light") -> tuple[Any, list[str]]:
    """The page, and the addresses that it asks for."""
    page = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme).new_page()
    page.set_default_timeout(PATIENCE_MS)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(served.address)
    page.locator("input[type=file]").nth(1).wait_for(state="attached")
    return page, asked


@pytest.mark.parametrize("width", [1280, 400])
def test_a_photo_goes_in_and_the_result_is_seen(
    browser: Any, served: Served, pictures: Path, tmp_path: Path, width: int
) -> None:
    page, asked = opened(browser, served, width, "light" if width > 1000 else "dark")
    page.locator("#unmask-photo input[type=file]").set_input_files(pictures / "masked.png")
    page.locator("#people input[type=file]").set_input_files(pictures / "me.png")
    page.locator("#people img").first.wait_for()
    page.get_by_role("button", name="Take the mask off").click()
    page.locator("#unmask-words", has_text="This picture is altered").wait_for()
    page.locator("#unmask-slider img").nth(1).wait_for()
    page.wait_for_function("[...document.querySelectorAll('#unmask-slider img')].every((i) => i.naturalWidth > 100)")
    assert page.locator("#unmask-found", has_text="where the mask was found").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    with page.expect_download() as download:
        page.locator("#unmask-keep").click()
    download.value.save_as(tmp_path / "kept.png")
    kept, masked = read(tmp_path / "kept.png"), read(pictures / "masked.png")
    assert kept.shape == masked.shape
    assert (kept != masked).any()
    away = [address for address in asked if not address.startswith((served.address, "data:", "blob:"))]
    assert not away


def test_all_of_it_by_the_keyboard(browser: Any, served: Served, pictures: Path) -> None:
    page, _ = opened(browser, served, 1280)

    def reach(wanted: Any) -> None:
        for _ in range(60):
            if wanted.evaluate("(e) => e === document.activeElement || e.contains(document.activeElement)"):
                return
            page.keyboard.press("Tab")
        raise AssertionError("the keyboard does not lead there")

    with page.expect_file_chooser() as chooser:
        reach(page.locator("#unmask-photo button").first)
        page.keyboard.press("Enter")
    chooser.value.set_files(pictures / "masked.png")
    page.locator("#unmask-photo img").wait_for()
    reach(page.get_by_role("button", name="Take the mask off"))
    page.keyboard.press("Enter")
    page.locator("#unmask-words", has_text="Nobody told").wait_for()
    line = page.get_by_role("slider", name="before and after")
    reach(line)
    for key in ("Home", "ArrowRight", "ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)
    assert line.get_attribute("aria-valuenow") == "5"
    box = page.locator("#unmask-slider img").first.bounding_box()
    side = min(box["width"], box["height"])  # the picture is square, its frame is not
    page.wait_for_function(
        "([x]) => Math.abs(document.querySelector('#unmask-slider .inner').getBoundingClientRect().x - x) < 4",
        arg=[box["x"] + (box["width"] - side) / 2 + 0.05 * side],
    )


def test_a_mask_is_drawn_and_bad_input_is_a_sentence(browser: Any, served: Served, pictures: Path) -> None:
    page, _ = opened(browser, served, 400)
    page.get_by_role("button", name="Take the mask off").click()
    page.locator("#unmask-words", has_text="Give a photo first").wait_for()
    page.get_by_role("tab", name="Draw a mask").click()
    given = page.locator("#mask-photo input[type=file]")
    given.set_input_files(pictures / "large.png")
    page.get_by_text("exceed the maximum").first.wait_for()
    given.set_input_files(pictures / "me.png")
    page.locator("#mask-photo img").wait_for()
    page.get_by_role("button", name="Draw the mask").click()
    page.locator("#mask-words", has_text="drawn:").wait_for()
    assert page.locator("#mask-slider img").count() == 2


def test_nothing_is_left_when_it_ends(served: Served) -> None:
    """The last test: it ends the page."""
    assert list(served.temporary.glob("unveilify-*"))
    served.process.send_signal(signal.SIGINT)
    assert served.process.wait(60) == 0
    assert not list(served.temporary.glob("unveilify-*"))
