"""Colours for source text: escaped HTML with classes, whose colours the style sheet has for light and dark."""

from __future__ import annotations

from markupsafe import Markup, escape
from pygments import highlight as colour
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name, get_lexer_for_filename
from pygments.util import ClassNotFound

from harness.embedded.forge.pages import visible

_MOST = 200_000  # characters; longer text is shown plain
_FORMATTER = HtmlFormatter(nowrap=True)
_NAMES = {"config.env": "bash", "Berksfile": "ruby", "run": "bash", ".gitmodules": "ini", "requirements.lock": "text"}


def lines(text: str, filename: str) -> list[Markup]:
    """Each line of a file, coloured by its name where a language is known."""
    text = visible.text(text)
    plain = text.split("\n")
    if plain and plain[-1] == "":
        plain.pop()
    lexer = _for_file(filename) if len(text) <= _MOST else None
    made = _coloured(text, lexer).split("\n")[: len(plain)] if lexer else []
    if len(made) != len(plain):  # a lexer that loses or adds a line would shift every number
        return [escape(line) for line in plain]
    return [Markup(line) for line in made]  # noqa: S704 - escaped by the formatter


def block(text: str, language: str) -> Markup:
    """A block of code whose language is named."""
    text = visible.text(text)
    try:
        lexer = get_lexer_by_name(language, stripnl=False, ensurenl=True) if language else None
    except ClassNotFound:
        lexer = None
    return Markup(_coloured(text, lexer)) if lexer and len(text) <= _MOST else escape(text)  # noqa: S704 - as above


def _for_file(filename: str) -> Lexer | None:
    name = filename.rsplit("/", 1)[-1]
    try:
        if name in _NAMES or name.endswith(".env"):
            return get_lexer_by_name(_NAMES.get(name, "bash"), stripnl=False, ensurenl=True)
        return get_lexer_for_filename(name, stripnl=False, ensurenl=True)
    except ClassNotFound:
        return None


def _coloured(text: str, lexer: Lexer) -> str:
    made: str = colour(text, lexer, _FORMATTER)
    return made
