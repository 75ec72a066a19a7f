"""Templates: everything is escaped unless a module here made it (``Markup``), a missing name is an error."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from harness.embedded.forge.access import Mode
from harness.embedded.forge.pages import assets, markdown, words
from harness.embedded.forge.pages.page import Page

_FOLDER = Path(__file__).parent / "templates"


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {
        "age": words.age,
        "moment": words.moment,
        "until": words.until,
        "schedule": words.schedule,
        "machine_time": words.machine_time,
        "size": words.size,
        "hue": words.hue,
        "path": lambda text: quote(text, safe="/"),
        "part": lambda text: quote(text, safe=""),
        "markdown": markdown.render,
    }
    made.globals |= {
        "duration": words.duration,
        "count": words.count,
        "cause": words.cause,
        "run_title": words.run_title,
        "state_of": words.state,
        "asset": assets.address,
        "Mode": Mode,
    }
    return made


_ENVIRONMENT = _environment()


def part(template: str, /, **values: Any) -> Markup:
    """A piece that is the same for everybody who looks at it."""
    return Markup(_ENVIRONMENT.get_template(f"{template}.html.j2").render(**values))  # noqa: S704 - escaped by Jinja


def html(page: Page, template: str, /, **values: Any) -> str:
    """The page as HTML. Every template sees ``page`` and the notes of the last form."""
    notes = page.desk.notes.take(page.session.digest) if page.session and not page.live else []
    found = _ENVIRONMENT.get_template(f"{template}.html.j2")
    return found.render(page=page, viewer=page.viewer, notes=notes, **values)
