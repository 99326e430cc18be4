"""One self-contained HTML page: everything is embedded, nothing is fetched; reads on a phone."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from markupsafe import Markup

from unveilify.core import pictures
from unveilify.core.records import Image
from unveilify.report.breakdown import Breakdown
from unveilify.report.figures import Strip
from unveilify.report.fill import fill
from unveilify.report.headline import headlines
from unveilify.report.notes import DASH
from unveilify.report.real import TITLE, RealTable
from unveilify.report.reported import SOURCES
from unveilify.report.table import SECTIONS, Table, text

PNG_UP_TO_PX = 128
"""Smaller pictures are embedded without loss, larger ones as JPEG of quality 92."""


@dataclass(frozen=True, slots=True)
class Training:
    """What the page tells of one run: its losses and which were live, settings (YAML), the picture of its curves."""

    label: str
    losses: str
    settings: str
    curves: Path | None


@dataclass(frozen=True, slots=True)
class Content:
    """Everything on the page, top to bottom. ``extremes``: heading -> strips; ``downloads``: file name -> text."""

    table: Table
    strips: Sequence[Strip]
    extremes: dict[str, Sequence[Strip]] = field(default_factory=dict)
    real: RealTable | None = None
    breakdowns: Sequence[Breakdown] = ()
    trainings: Sequence[Training] = ()
    commands: Sequence[str] = ()
    versions: dict[str, str] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    date: str = ""
    downloads: dict[str, str] = field(default_factory=dict)


def render(content: Content) -> str:
    """The page as one string of HTML: ``templates/page.html``, filled in."""
    return fill(
        "page.html",
        content=content,
        headlines=headlines(content.table),
        sections=SECTIONS,
        sources=SOURCES,
        real_title=TITLE,
        dash=DASH,
        text=text,
        embedded=lambda image: _address(*_encoded(image)),
        embedded_file=lambda path: _address("image/png", path.read_bytes()),
        embedded_text=lambda words: _address("text/plain;charset=utf-8", words.encode()),
    )


def _encoded(image: Image) -> tuple[str, bytes]:
    if image.shape[0] <= PNG_UP_TO_PX:
        return "image/png", pictures.encode_png(image)
    return "image/jpeg", pictures.encode_jpeg(image, 92)


def _address(kind: str, data: bytes) -> Markup:
    return Markup(f"data:{kind};base64,{base64.b64encode(data).decode()}")
