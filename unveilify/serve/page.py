"""The page itself, in gradio: two tabs, nothing fetched, nothing kept longer than an hour."""

import contextlib
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

# Before gradio is loaded: it reads this once, and would else ask its home whether there is a newer one.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import gradio as gr

from unveilify.core.errors import UserError
from unveilify.core.plugins import names
from unveilify.core.words import markdown, say
from unveilify.masks.wear import NAMES
from unveilify.serve import work
from unveilify.serve.work import Shown
from unveilify.unmask.unmasker import Unmasker

KEEP_S = 3600
"""What people uploaded and what was made of it is thrown away after so many seconds, and when the page is closed."""
ANY = "any"
NOTICE = (
    "# unveilify\n\nEverything happens on the computer that this page comes from. **What comes out is a plausible guess, "
    "not evidence of who someone is**; never use it to identify a person."
)
FONT, MONO = ["system-ui", "sans-serif"], ["ui-monospace", "monospace"]
"""Those of the machine: others would be fetched."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much the page takes: ``megabytes`` of one photo, and so many people waiting (``queue``)."""

    megabytes: int = 20
    queue: int = 8


def serve(unmasker: Unmasker, host: str, port: int, limits: Limits, *, browser: bool = False) -> None:
    """Show the page until Ctrl-C, or SIGTERM; then nothing is left of what people gave it.

    Raises:
        UserError: the page cannot be had there, as on a port that is taken.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # by way of what tidies up
    with tempfile.TemporaryDirectory(prefix="unveilify-") as folder:
        os.environ["GRADIO_TEMP_DIR"] = folder
        page = build(unmasker, Path(folder))
        page.queue(max_size=limits.queue, default_concurrency_limit=1)
        try:
            page.launch(
                server_name=host,
                server_port=port,
                inbrowser=browser,
                max_file_size=limits.megabytes * 2**20,
                theme=gr.themes.Default(font=FONT, font_mono=MONO),
                css=_file("page.css"),
                head=f"<script>{_file('page.js')}</script>",
                show_error=True,
                quiet=True,
                prevent_thread_lock=True,
                # Nothing that leaves this machine, or stays in the browser.
                share=False,
                run_history=False,
                enable_monitoring=False,
                footer_links=[],
                ssr_mode=False,
                mcp_server=False,
                pwa=False,
            )
        except OSError:
            raise UserError(
                f"The page cannot be at {host}:{port}, which is taken or not here: give another --port."
            ) from None
        say(f"The page is at {page.local_url} (Ctrl-C ends it).")
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()
        page.close(verbose=False)


def build(unmasker: Unmasker, folder: Path) -> gr.Blocks:
    """The page; results are written below ``folder``."""
    page = gr.Blocks(title="unveilify", analytics_enabled=False, delete_cache=(KEEP_S, KEEP_S))
    with page:
        gr.Markdown(NOTICE)
        with gr.Tab("Take a mask off"):
            _take_off(unmasker, folder)
        with gr.Tab("Draw a mask"):
            _put_on(folder)
    return page


def _take_off(unmasker: Unmasker, folder: Path) -> None:
    with gr.Row():
        with gr.Column(min_width=300):
            photo = _photo("unmask", "Photo with a mask")
            people = gr.Gallery(
                label="Other photos of the person",
                type="filepath",
                file_types=["image"],
                sources=["upload", "webcam"],
                interactive=True,
                columns=3,
                fit_columns=False,
                height=200,
                object_fit="contain",
                elem_id="people",
            )
            with gr.Accordion("More", open=False):
                face = gr.Number(0, label="Face", info="0: every masked face; 1 is the largest", precision=0, minimum=0)
                strength = gr.Slider(0, 1, 1, step=0.05, label="Strength", info="how far the result covers the photo")
            start = gr.Button("Take the mask off", variant="primary")
        shown = _results("unmask", "What was found")

    def answer(photo: str | None, people: list[tuple[str, Any]] | None, face: float, strength: float) -> list[Any]:
        return _answer(
            photo,
            lambda path: work.take_off(
                unmasker,
                path,
                [Path(one) for one, _ in people or ()],
                _fresh(folder),
                face=int(face or 0),
                strength=strength,
            ),
        )

    start.click(answer, [photo, people, face, strength], shown, concurrency_id="work", scroll_to_output=True)


def _put_on(folder: Path) -> None:
    with gr.Row():
        with gr.Column(min_width=300):
            photo = _photo("mask", "Photo")
            style = gr.Dropdown([ANY, *(n for n in names("style") if n != "custom")], value=ANY, label="Style")
            wear = gr.Dropdown(list(NAMES), value="proper", label="How it is worn")
            with gr.Row():
                own = gr.Checkbox(label="In this colour", min_width=120)
                color = gr.ColorPicker("#3a6ea5", label="Colour", min_width=120)
            seed = gr.Number(0, label="Seed", info="another number, another mask", precision=0, minimum=0)
            start = gr.Button("Draw the mask", variant="primary")
        shown = _results("mask", "What was drawn")

    def answer(photo: str | None, style: str, wear: str, own: bool, color: str, seed: float) -> list[Any]:
        return _answer(
            photo,
            lambda path: work.put_on(
                path,
                _fresh(folder),
                style=None if style == ANY else style,
                wear=wear,
                color=_hex(color) if own else None,
                seed=int(seed or 0),
            ),
        )

    start.click(answer, [photo, style, wear, own, color, seed], shown, concurrency_id="work", scroll_to_output=True)


def _photo(name: str, label: str) -> gr.Image:
    return gr.Image(
        label=label,
        type="filepath",
        image_mode=None,
        sources=["upload", "webcam", "clipboard"],
        height=320,
        elem_id=f"{name}-photo",
    )


def _results(name: str, title: str) -> list[Any]:
    """What an answer fills, in the order of `_answer`."""
    with gr.Column(min_width=300):
        words = gr.Markdown("The result will be here.", elem_id=f"{name}-words", elem_classes="told")
        slider = gr.ImageSlider(
            label="Before and after: drag the line, or use the arrow keys",
            format="png",
            visible=False,
            buttons=["fullscreen"],
            elem_id=f"{name}-slider",
            elem_classes="result",
        )
        keep = gr.DownloadButton("Download", visible=False, elem_id=f"{name}-keep")
        found = gr.Gallery(
            label=title,
            visible=False,
            columns=2,
            height="auto",
            format="png",
            elem_id=f"{name}-found",
            elem_classes="result",
        )
    return [words, slider, keep, found]


def _answer(photo: str | None, do: Callable[[Path], Shown]) -> list[Any]:
    """Words, slider, file and pictures; what cannot be done is a sentence in place of the words."""
    hidden = [gr.update(visible=False, value=None)] * 3
    if photo is None:
        return ["Give a photo first.", *hidden]
    try:
        shown = do(Path(photo))
    except UserError as error:
        return [f"⚠ {markdown(error)}", *hidden]
    if shown.file is None:
        return [shown.words, *hidden]
    found = gr.update(value=list(shown.found), visible=True)
    slider = gr.update(value=(shown.before, shown.after), visible=True)
    return [shown.words, slider, gr.update(value=str(shown.file), visible=True), found]


def _fresh(folder: Path) -> Path:
    """A new folder for one result; those that are too old are thrown away."""
    for old in folder.glob("result-*/*"):
        if time.time() - old.stat().st_mtime > KEEP_S:
            old.unlink(missing_ok=True)
    return Path(tempfile.mkdtemp(prefix="result-", dir=folder))


def _hex(color: str) -> str:
    """#rrggbb of what the colour picker says, which may be ``rgba(58.2, 110, 165, 1)``."""
    if color.startswith("#"):
        return color
    parts = color.partition("(")[2].rstrip(")").split(",")[:3]
    return "#" + "".join(f"{min(255, max(0, round(float(part)))):02x}" for part in parts)


def _file(name: str) -> str:
    return files("unveilify.serve").joinpath(name).read_text(encoding="utf-8")
