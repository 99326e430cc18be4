"""The templates, filled in: every word that goes into one is made harmless for the place it goes to."""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from unveilify.core import words

_HARMLESS: dict[str, Callable[[object], str]] = {".html": words.markup, ".tex": words.latex, ".md": words.markdown}
_LATEX = {
    f"{what}_{end}_string": mark
    for what, marks in {"block": ("<%", "%>"), "variable": ("<<", ">>"), "comment": ("<#", "#>")}.items()
    for end, mark in zip(("start", "end"), marks, strict=True)
}
"""The marks of a template whose text is full of braces itself."""


def fill(name: str, **values: object) -> str:
    """The template ``name`` of this folder with ``values``; the ending says what words must be made harmless for."""
    return _environment(name[name.rindex(".") :]).get_template(name).render(**values)


@cache
def _environment(ending: str) -> Environment:
    harmless = _HARMLESS[ending]

    def word(value: object) -> Markup:
        return value if isinstance(value, Markup) else Markup(harmless(value))

    def lines(values: Iterable[str]) -> Markup:
        return Markup("\n").join(map(word, values))

    syntax: dict[str, Any] = _LATEX if ending == ".tex" else {}
    made = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        finalize=word,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
        **syntax,
    )
    made.filters |= {"lines": lines, "comment": lambda note: Markup(words.comment(note))}
    return made
