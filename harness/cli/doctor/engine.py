"""Checks of the Docker engine, and the container options that follow from what it says of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harness.cli.doctor.finding import Finding, note, ok, problem
from harness.embedded.engine import client as engine
from harness.embedded.engine import options
from harness.kit.errors import UnreachableError

_SUBJECT = "Docker engine"

Info = Callable[[], Mapping[str, Any]]


def ask() -> Mapping[str, Any]:
    """``docker info``. Raises ``UnreachableError`` when no engine answers."""
    client = engine.connect()
    with engine.translated("docker info"):
        info: Mapping[str, Any] = client.info()
    return info


def check(info: Info = ask) -> list[Finding]:
    """The engine's version, storage driver and cgroup, then each option containers are started with and why."""
    try:
        facts = options.read_facts(info())
    except UnreachableError as error:
        return [problem(_SUBJECT, error.message, error.hint or engine.START_HINT)]
    chosen = options.choose(facts)
    found = f"{facts.version}, storage {facts.storage_driver}, cgroup v{facts.cgroup_version} ({facts.cgroup_driver})"
    if chosen.problem:
        return [problem(_SUBJECT, chosen.problem, "install Docker 20.10 or newer on Linux itself, rootful")]
    return [ok(_SUBJECT, found), *_limits(facts), *(ok(f"  {one.option}", one.why) for one in chosen.reasons)]


def _limits(facts: options.EngineFacts) -> list[Finding]:
    """Limits that this kernel cannot hold containers to."""
    findings = []
    if not facts.memory_limit:
        findings.append(note("  memory", "this kernel does not limit it: MEMORY is shown, not enforced"))
    if not facts.swap_limit:
        findings.append(note("  swap", "this kernel does not limit it: SWAP is shown, not enforced"))
    return findings
