"""The door of the pages to workflow runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.embedded.forge.errors import ForgeError
from harness.embedded.forge.forge import Forge
from harness.embedded.forge.pages.page import Page
from harness.embedded.forge.services import runs
from harness.embedded.forge.store.records import Job, Run


def startable(page: Page) -> list[dict[str, Any]]:
    """Workflows that can be started by hand."""
    return []


def log_lines(forge: Forge, job: Job) -> list[tuple[float, str]]:
    """The log of a job."""
    return []


def cancel(page: Page, run: Run) -> None:
    raise ForgeError("not yet")


def rerun(page: Page, run: Run, *, only_failed: bool) -> None:
    raise ForgeError("not yet")


def dispatch(page: Page, file: str, ref: str, inputs: Mapping[str, str]) -> int | None:
    raise ForgeError("not yet")
