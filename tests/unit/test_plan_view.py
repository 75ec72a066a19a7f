"""Plans for people, for machines, and for the other processes of a run."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from harness.kit.errors import UsageError
from harness.lifecycle import plan_file, plan_view
from harness.lifecycle.plan import Action, ContainerPlan, Effect, FieldChange, LeftAlone, Plan

CHANGES = (FieldChange("memory", "512", "1024", Effect.HOT), FieldChange("nameserver", "1.1.1.1", None, Effect.HOT))
PLAN = Plan(
    "embedded",
    "mr-0123456789abcdef",
    "1a2b3c4d5e6f",
    (
        ContainerPlan("config", 110, "pve", "config", "10.143.0.10/24", Action.CREATE, "new", deployed_here=False),
        ContainerPlan("broker", 111, "pve", "broker", "10.143.0.11/24", Action.UNCHANGED, "revision aa is verified"),
        ContainerPlan(
            "apache",
            113,
            "pve",
            "apache",
            "10.143.0.13/24",
            Action.CHANGE,
            "differs",
            CHANGES,
            "bb",
            "d1",
            needs=("broker",),
        ),
        ContainerPlan("mail", 9999, "pve", "mail", "10.143.0.14/24", Action.REFUSED, "not ours", hint="another ID"),
    ),
    (LeftAlone("wiki", 120, "pve", "running", "pct destroy 120"), LeftAlone("shop", 121, "pve", "stopped")),
)


def shown(plan: Plan) -> list[str]:
    stream = io.StringIO()
    plan_view.show(plan, Console(file=stream, width=80))
    return [line.rstrip() for line in stream.getvalue().splitlines()]


def test_a_plan_reads_line_by_line() -> None:
    assert shown(PLAN) == [
        "+ config  110   10.143.0.10  create",
        "    new",
        "    the control plane's own container: planned here, not deployed from here",
        "= broker  111   10.143.0.11  unchanged, revision aa is verified",
        "~ apache  113   10.143.0.13  change in place",
        "    differs",
        "    memory: 512 → 1024 (hot)",
        "    nameserver: 1.1.1.1 → none (hot)",
        "! mail    9999  10.143.0.14  refused",
        "    not ours",
        "    → another ID",
        "· wiki  120  running, left alone: its library is no longer here",
        "    → pct destroy 120",
        "· shop  121  stopped, left alone: its library is no longer here",
        "embedded at commit 1a2b3c4d5e6f: 1 refused, 1 change in place, 1 unchanged",
    ]


def test_a_plan_of_nothing_says_so() -> None:
    assert shown(Plan("embedded", "mr-1", None, ())) == ["embedded: no containers"]


def test_a_plan_comes_back_from_its_file(tmp_path: Path) -> None:
    plan_file.write(tmp_path / "plan.json", PLAN)
    assert plan_file.read(tmp_path / "plan.json") == PLAN
    assert (tmp_path / "plan.json").stat().st_mode & 0o777 == 0o600


def test_a_plan_of_an_earlier_harness_left_nothing_alone() -> None:
    found = json.loads(plan_file.to_json(PLAN))
    del found["left"]
    assert plan_file.from_json(json.dumps(found)).left == ()


def test_machines_see_what_deploy_would_touch() -> None:
    found = json.loads(plan_file.to_json(PLAN))
    assert {entry["name"]: entry["pending"] for entry in found["containers"]} == {
        "config": False,
        "broker": False,
        "apache": True,
        "mail": False,
    }
    assert found["containers"][2]["changes"][0] == {"field": "memory", "old": "512", "new": "1024", "effect": "hot"}


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"target": "x", "monorepo": "y", "commit": null, "containers": [{}]}']
)
def test_what_is_no_plan_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match="no plan"):
        plan_file.from_json(text)


def test_a_missing_plan_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"plan\.json"):
        plan_file.read(tmp_path / "plan.json")
