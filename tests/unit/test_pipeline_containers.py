"""The list of containers for the pages: what stands, what was verified, what a deploy would do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from harness.embedded.forge.services import containers as pages
from harness.inventory.model import Container
from harness.lifecycle import stamp
from harness.lifecycle.journal import Event, Kind, Outcome
from harness.lifecycle.observe import Observation, Seen
from harness.lifecycle.plan import Action, ContainerPlan, Effect, FieldChange, Plan
from harness.lifecycle.report import story
from harness.lifecycle.stamp import Stamp
from harness.pipeline import containers
from tests import samples

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
SPEC = "specs/test_broker.py::test_answers"


def container(name: str = "broker", stage: str | None = None) -> Container:
    hostname = f"{stage}-{name}" if stage else name
    return samples.container(name, at="192.0.2.11/24", vmid=111, hostname=hostname, stage=stage)


def plan(action: Action, *changes: FieldChange) -> ContainerPlan:
    return ContainerPlan("broker", 111, "pve", "broker", "192.0.2.11/24", action, "because", changes, "abc")


def seen(status: str = "running", revision: str | None = "abc") -> Observation:
    text = stamp.render(Stamp("mr-1", "broker", revision=revision, commit="1a2b"))
    return Observation({111: Seen(111, "pve2", "lxc", "broker", status, config={"description": text})})


def entry(**more: Any) -> containers.Entry:
    made = {"plan": plan(Action.UNCHANGED), "observation": seen(), "container": container(), **more}
    return containers.entry(made["container"], made["plan"], made["observation"], NOW)


def test_a_container_that_is_as_it_shall_be() -> None:
    found = entry()
    assert (found["name"], found["repository"], found["node"], found["address"]) == (
        "broker",
        "main/broker",
        "pve2",
        "192.0.2.11",
    )
    assert (found["status"], found["revision"], found["commit"], found["changes"]) == ("running", "abc", "1a2b", [])


def test_what_a_deploy_would_do_is_its_open_changes() -> None:
    change = FieldChange("memory", "512", None, Effect.RESTART)
    assert entry(plan=plan(Action.RESTART, change))["changes"] == [
        {"field": "memory", "old": "512", "new": "", "entails": "restart"}
    ]
    (whole,) = entry(plan=plan(Action.CREATE), observation=Observation())["changes"]
    assert (whole["field"], whole["entails"]) == ("create", "create")


@pytest.mark.parametrize(("status", "told"), [("running", "running"), ("stopped", "stopped"), ("paused", "unknown")])
def test_states_are_those_that_the_pages_know(status: str, told: str) -> None:
    assert entry(observation=seen(status))["status"] == told
    assert entry(observation=Observation())["status"] == "missing"


def test_a_stage_is_another_container() -> None:
    found = entry(container=container(stage="stage"))
    assert (found["name"], found["repository"], found["stage"]) == ("stage-broker", "stage/broker", "stage")
    assert containers.repository(container("config")) == "main/config"


def told(outcome: Outcome) -> story.ContainerStory:
    ended = NOW + timedelta(seconds=3)
    events = [
        Event(Kind.START, "run", "main", "broker", SPEC, "abc", NOW),
        Event(Kind.END, "run", "main", "broker", SPEC, "abc", ended, outcome, 3.0, {"error": "closed"}),
    ]
    return story.tell("run", Plan("embedded", "mr-1", None, (plan(Action.CONVERGE),)), events).containers[0]


def test_the_result_of_specs_says_when_how_many_and_what_failed() -> None:
    run, report = "/main/broker/actions/runs/3", "/main/broker/actions/reports/run-1"
    passed = containers.specs("run-1", told(Outcome.PASSED), f"http://forge:8080{run}", f"https://forge{report}")
    assert passed == {
        "outcome": "passed", "passed": 1, "failed": 0, "at": "2026-01-31T12:00:03+00:00", "run": "run-1",
        "link": run, "report": report, "failures": [],
    }  # fmt: skip
    failed = containers.specs("run-1", told(Outcome.FAILED))
    assert failed is not None
    assert (failed["outcome"], failed["failures"]) == ("failed", [f"{SPEC}\nclosed"])


def test_what_only_others_knew_stays() -> None:
    before = [{**entry(), "specs": {"outcome": "passed"}, "unit": "active"}, entry(container=container(stage="stage"))]
    found = containers.merged(before, [entry(plan=plan(Action.CONVERGE))], None)
    assert [one["name"] for one in found] == ["broker", "stage-broker"]
    assert (found[0]["specs"], found[0]["unit"], len(found[0]["changes"])) == ({"outcome": "passed"}, "active", 1)
    assert [one["name"] for one in containers.merged(before, [], None)] == ["stage-broker"]


def test_the_pages_understand_the_document() -> None:
    specs = containers.specs("run-1", told(Outcome.FAILED), "/main/broker/actions/runs/3")
    one = {**entry(plan=plan(Action.CREATE)), "specs": specs, "unit": "active"}
    board = pages.parse(containers.document("embedded", [one]))
    (shown,) = board.containers
    assert (shown.name, shown.status, shown.specs.failed, shown.entails) == ("broker", "running", 1, "create")
