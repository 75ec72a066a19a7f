"""A run as one HTML page that needs nothing beside itself, from the run's plan and journal alone."""

from __future__ import annotations

from pathlib import Path

from harness.kit import files
from harness.kit.secret import redact
from harness.lifecycle import journal, plan_file
from harness.lifecycle.report import story, timeline, words

FILE_NAME = "report.html"
_HERE = Path(__file__).parent


def build(run_dir: Path) -> Path:
    """Write the page of the run in ``run_dir`` and return where it is.

    Raises ``UsageError`` when there is no plan in it.
    """
    plan = plan_file.read(run_dir / "plan.json")
    told = story.tell(run_dir.name, plan, journal.read(run_dir / journal.FILE_NAME))
    path = run_dir / FILE_NAME
    files.write_atomic(path, render(told), mode=0o600)
    return path


def render(told: story.RunStory) -> str:
    """The page; what the journal could not know to be secret when it was written is masked now."""
    import jinja2  # noqa: PLC0415 - takes long to load, and a deploy needs it at its end

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"seconds": words.seconds, "moment": words.moment}
    page = environment.get_template("page.html.j2")
    return redact(page.render(run=told, timeline=timeline.draw(told), count=words.count))
