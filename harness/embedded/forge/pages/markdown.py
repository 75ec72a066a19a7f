"""Markdown as safe HTML: no HTML of the author passes, links lead where they say, code is coloured.

What comes from a repository or a comment is a stranger's text. Raw HTML is shown as text, ``javascript:`` and the like
are no links (markdown-it's own check), and every page's content security policy allows no script in it anyway.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, MutableMapping, Sequence
from typing import Any
from urllib.parse import quote, unquote

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_block import StateBlock
from markdown_it.token import Token
from markupsafe import Markup

from harness.embedded.forge.pages import highlight

_REMARK = re.compile(r" {0,3}<!--(?:(?!-->).)*-->\s*")
_ABSOLUTE = re.compile(r"[a-z][a-z0-9+.-]*:|//|/|#", re.IGNORECASE)
_DIAGRAMS = frozenset({"mermaid", "plantuml", "dot"})
MOST = 200_000
"""Characters that are rendered: there is text that takes time by the square of its length."""


def render(text: str, *, links: str = "", images: str = "", directory: str = "") -> Markup:
    """``text`` as HTML. Relative addresses continue ``links`` and ``images`` below ``directory``.

    Lines that are a comment and nothing else (marks of the program that wrote the text) are left out.
    """
    env = {"links": links, "images": images, "directory": directory}
    return Markup(_PARSER.render(text[:MOST], env))  # noqa: S704 - made by the parser, HTML off


def _address(target: str, prefix: str, directory: str) -> str:
    """A relative address as one of this forge; one that climbs out of the repository stays at its root."""
    if not prefix or not target or _ABSOLUTE.match(target):
        return target
    path, hash_sign, anchor = target.partition("#")
    full = posixpath.normpath(posixpath.join("/", directory, unquote(path)))
    return f"{prefix}{quote(full)}{hash_sign}{anchor}"


def _link_open(
    self: RendererHTML, tokens: Sequence[Token], at: int, options: Any, env: MutableMapping[str, Any]
) -> str:
    token = tokens[at]
    token.attrSet("href", _address(str(token.attrGet("href") or ""), env["links"], env["directory"]))
    token.attrSet("rel", "nofollow noopener")
    return self.renderToken(tokens, at, options, env)


def _image(self: RendererHTML, tokens: Sequence[Token], at: int, options: Any, env: MutableMapping[str, Any]) -> str:
    token = tokens[at]
    token.attrSet("src", _address(str(token.attrGet("src") or ""), env["images"], env["directory"]))
    token.attrSet("loading", "lazy")
    return self.image(tokens, at, options, env)


def _table_open(_self: RendererHTML, *_: Any) -> str:
    return '<div class="scroll" tabindex="0"><table>\n'


def _table_close(_self: RendererHTML, *_: Any) -> str:
    return "</table></div>\n"


def _align(_self: RendererHTML, tokens: Sequence[Token], at: int, options: Any, env: MutableMapping[str, Any]) -> str:
    """Alignment as a class: the policy allows no ``style`` attribute."""
    token = tokens[at]
    style = str(token.attrs.pop("style", ""))
    if style:
        token.attrSet("class", style.replace("text-align:", "align-"))
    return _self.renderToken(tokens, at, options, env)


def _code(text: str, name: str, _attrs: str) -> str:
    return str(highlight.block(text, name))


def _fence(self: RendererHTML, tokens: Sequence[Token], at: int, options: Any, env: MutableMapping[str, Any]) -> str:
    """The source of a diagram is for those who ask for it."""
    shown = self.fence(tokens, at, options, env)
    if tokens[at].info.strip() not in _DIAGRAMS:
        return shown
    return f'<details class="diagram"><summary>A diagram, as its source</summary>{shown}</details>\n'


def _remark(state: StateBlock, line: int, _end: int, silent: bool) -> bool:
    """A line that is a comment and nothing else: read, and not shown."""
    if state.is_code_block(line) or not _REMARK.fullmatch(state.getLines(line, line + 1, 0, False)):
        return False
    if not silent:
        state.line = line + 1
    return True


def _parser() -> MarkdownIt:
    made = MarkdownIt("commonmark", {"html": False, "highlight": _code}).enable(["table", "strikethrough"])
    made.block.ruler.before("paragraph", "remark", _remark, {"alt": ["paragraph", "reference", "blockquote", "list"]})
    rules: dict[str, Callable[..., str]] = {
        "fence": _fence,
        "link_open": _link_open,
        "image": _image,
        "table_open": _table_open,
        "table_close": _table_close,
        "th_open": _align,
        "td_open": _align,
    }
    for name, rule in rules.items():
        made.add_render_rule(name, rule)
    return made


_PARSER = _parser()
