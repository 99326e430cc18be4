"""Words that somebody else chose (names of people, files, columns), made harmless for the place they go to.

One function for each place. Every name that reaches a terminal, a table or a page goes through one of them.
"""

import html
import os
import re
import unicodedata
from typing import TextIO

MOST = 300
"""Characters of foreign words that a message repeats."""

_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode categories of characters that are not seen but act: controls, escape codes, turns of direction, line ends."""
_JOINERS = {"\u200c", "\u200d"}
"""Invisible characters that words of some languages need."""
_MARKDOWN = re.compile(r"([\\`*_\[\]|<>~&$])")
_LATEX = {c: f"\\{c}" for c in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "–": "--",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "`": r"\textasciigrave{}",
}
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def plain(words: object) -> str:
    r"""One line that shows every character and hides none: what acts on a terminal becomes ``\x1b`` and the like."""
    return "".join(c if _is_seen(c) else _escaped(c) for c in str(words))


def shortened(words: object, most: int = MOST) -> str:
    """As `plain`, cut in the middle where it is long."""
    text = str(words)
    if len(text) > most:
        text = f"{text[: most * 2 // 3]} … ({len(text)} characters) … {text[-(most // 3) :]}"
    return plain(text)


def message(words: object) -> str:
    """As `plain`, for texts of several lines that are ours: their line ends stay, and only names in them are doubtful."""
    return "\n".join(map(plain, str(words).split("\n")))


def markdown(words: object) -> str:
    """Text of Markdown, also in the cell of a table: nothing in it is markup, a link, an image or HTML."""
    text = _MARKDOWN.sub(r"\\\1", plain(words))
    # bare addresses become links without any markup
    return text.replace("://", r"\://").replace("www.", r"www\.")


def latex(words: object) -> str:
    """Text of LaTeX: no command, comment or end of line in it."""
    return "".join(_LATEX.get(c, c) for c in plain(words))


def comment(words: object) -> str:
    """What follows a % in LaTeX: one line."""
    return plain(words).replace("–", "--").replace("^^", "^ ^")


def cell(words: object) -> str:
    """The cell of a CSV table: one line that a spreadsheet does not take for a formula."""
    text = plain(words)
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def markup(words: object) -> str:
    """Text of HTML, also in an attribute."""
    return html.escape(plain(words), quote=True)


def say(words: object, *, file: TextIO | None = None, flush: bool = False) -> None:
    """Print one line; names in it cannot act on the terminal, nor are there any that it cannot show."""
    print(plain(words), file=file, flush=flush)


def say_lines(words: object) -> None:
    """As `say`, for texts of several lines, see `message`."""
    print(message(words))


def interject(words: object) -> None:
    """Say one line on the error output from within a signal handler, where another print may be half done."""
    os.write(2, f"\n{plain(words)}\n".encode())


def figure(words: object) -> str:
    """Words in a picture of Matplotlib, which takes what stands between two dollars for mathematics."""
    return plain(words).replace("$", r"\$")


def _is_seen(character: str) -> bool:
    return character in _JOINERS or unicodedata.category(character) not in _UNSEEN


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "backslashreplace").decode("ascii")
