"""Keeps the list of containers, and gives it and reports to the forge's pages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from harness.config.share import Share
from harness.forge.errors import ForgeUnreachable
from harness.kit.errors import HarnessError
from harness.kit.files import exclusive, write_atomic
from harness.lifecycle import plan_builder
from harness.lifecycle import report as reports
from harness.lifecycle.observe import observe
from harness.lifecycle.report.story import RunStory
from harness.lifecycle.workspace import Workspace
from harness.pipeline import containers as listing
from harness.pipeline import requests, tell
from harness.pipeline.door import Office
from harness.pipeline.tell import Report

FILE: Final = "containers.json"


@dataclass(frozen=True, slots=True)
class News:
    """What a job has found out besides: a run's story, addresses of the job's run and of the report on the forge,
    units' states by container.
    """

    told: RunStory | None = None
    link: str = ""
    report: str = ""
    units: Mapping[str, str] = field(default_factory=dict)


def containers(office: Office, workspace: Workspace, news: News | None = None) -> None:
    """Look again and tell what stands where, with the ``news``.

    A list that cannot be made is no failure of what was done: it is said, and the next job makes it.
    """
    try:
        document = _document(office, workspace, news or News())
    except HarnessError as error:
        office.say(f"the list of containers stays as it was: {error.message}")
        return
    office.voice.containers(document)


def _document(office: Office, workspace: Workspace, news: News) -> dict[str, Any]:
    inventory = workspace.inventory
    observation = observe(workspace.pve, inventory)
    made = plan_builder.build(workspace, allow_replace=inventory.names, observation=observation)
    now = datetime.now(UTC)
    found = [
        {**listing.entry(inventory[plan.name], plan, observation, now), **_told(plan.name, news)}
        for plan in made.containers
    ]
    return _remember(workspace, requests.with_links(office.forge, found))


def _told(name: str, news: News) -> dict[str, Any]:
    stories = [story for story in news.told.containers if story.plan.name == name] if news.told else []
    specs = listing.specs(news.told.run, stories[0], news.link, news.report) if news.told and stories else None
    unit = {"unit": news.units[name]} if name in news.units else {}
    return {**({"specs": specs} if specs else {}), **unit}


def _remember(workspace: Workspace, found: list[listing.Entry]) -> dict[str, Any]:
    """Jobs of several stages write into one list."""
    path = workspace.share.path / FILE
    stage = next((container.stage for container in workspace.inventory.containers), None)
    with exclusive(path.with_name(f".{FILE}.lock")):
        document = listing.document(workspace.target, listing.merged(known(workspace.share), found, stage))
        write_atomic(path, json.dumps(document, indent=2) + "\n", mode=0o600)
    return document


def known(share: Share) -> list[listing.Entry]:
    """What was last known of the containers; nothing before the first time, and nothing where the file is broken."""
    try:
        found = json.loads((share.path / FILE).read_text())
        entries: list[listing.Entry] = found["containers"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return entries


def report(office: Office, run: Path) -> str:
    """Hand a run's report to the forge's pages; its address, empty where the forge keeps none.

    A forge that is away gets it later; the page of the job's run leads to it then.
    """
    path, job = run / reports.FILE_NAME, office.job
    if job is None or office.forge is None or not path.is_file():
        return ""
    found = Report(run.name, str(path), job.repository, job.run_id)
    try:
        where = tell.hand_over(office.forge, found)
    except ForgeUnreachable:
        office.voice.report(found)
    except HarnessError as error:
        office.say(f"the forge does not take the report: {error.message}")
    else:
        # A job reaches the forge by another name than the people who read what it posts.
        return f"{job.server}{where}" if where else ""
    return ""
