"""A difference as HTML, rendered once: the two commits it lies between never change."""

from __future__ import annotations

from collections.abc import Callable

from markupsafe import Markup

from harness.embedded.forge.pages import diffs, templating
from harness.embedded.forge.pages.page import Page


def html(page: Page, old: str, new: str, read: Callable[[], bytes]) -> Markup:
    """What ``read`` says of the way from ``old`` to ``new`` (empty ``old``: a commit by itself)."""
    key = ("difference", page.repository.id, old, new)
    return page.desk.texts.value(key, lambda: templating.part("difference", files=diffs.parse(read())))
