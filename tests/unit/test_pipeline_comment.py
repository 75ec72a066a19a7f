"""Plans, problems and results in a pull request: what people see, and that nothing of it is markup of others."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harness.kit.errors import ConfigurationError, HarnessError, Problem
from harness.kit.secret import Secret
from harness.lifecycle.journal import Event, Kind, Outcome
from harness.lifecycle.plan import Action, ContainerPlan, Effect, FieldChange, LeftAlone, Plan
from harness.lifecycle.report import story
from harness.pipeline import comment, markdown
from harness.pipeline.agreement import Agreement

START = datetime(2026, 1, 31, 12, tzinfo=UTC)
HEAD = "1a2b3c4d5e6f7890"


def entry(name: str, action: Action, *changes: FieldChange, reason: str = "because", hint: str = "") -> ContainerPlan:
    return ContainerPlan(name, 111, "pve", name, "192.0.2.11/24", action, reason, changes, "abc", hint=hint)


def plan(*entries: ContainerPlan) -> Plan:
    return Plan("embedded", "mr-1", HEAD[:12], entries)


def test_a_plan_has_a_line_for_each_container_and_a_table_for_its_fields() -> None:
    changes = (FieldChange("memory", "512", "1024", Effect.HOT), FieldChange("mount /data", None, "x", Effect.RESTART))
    text = comment.plan(plan(entry("broker", Action.RESTART, *changes), entry("proxy", Action.UNCHANGED)), HEAD)
    assert "| `broker` | change needs restart | restart | because | `192.0.2.11` | 111 |" in text
    assert "| `memory` | `512` | `1024` | none |" in text
    assert "| `mount /data` | none | `x` | restart |" in text
    assert "Nothing happens to: `proxy`." in text
    assert text.startswith("### Plan for `1a2b3c4d5e6f`")


def test_a_plan_says_in_a_sentence_what_it_comes_to() -> None:
    entries = [
        entry("a", Action.RESTART),
        entry("b", Action.CREATE),
        entry("c", Action.CREATE),
        entry("d", Action.UNCHANGED),
    ]
    assert "this creates `b` and `c`; changes and restarts `a`." in comment.plan(plan(*entries), HEAD)
    assert "nothing changes." in comment.plan(plan(entries[-1]), HEAD)
    refused = comment.plan(plan(entry("x", Action.REFUSED)), HEAD)
    assert "nothing changes. **Refused**, and left alone: `x`." in refused


def test_what_is_left_alone_is_named_with_what_removes_it() -> None:
    left = (LeftAlone("wiki", 120, "pve", "running", "pct destroy 120"), LeftAlone("shop", 121, "pve", "stopped"))
    text = comment.plan(replace(plan(entry("a", Action.UNCHANGED)), left=left), HEAD)
    assert "`wiki` (120, running) is left alone: its library is no longer here. pct destroy 120" in text
    assert "`shop` (121, stopped) is left alone: its library is no longer here." in text


def test_a_replacement_and_a_refusal_stand_out() -> None:
    text = comment.plan(plan(entry("a", Action.REPLACE), entry("b", Action.REFUSED, hint="another ID")), HEAD)
    assert "| **replace** | **replace** |" in text
    assert "| **refused** | none | because → another ID |" in text


def test_a_wrong_configuration_is_quoted_by_file_and_line_as_the_repository_calls_them(tmp_path: Path) -> None:
    problem = Problem(tmp_path / "libs/broker/config.env", 3, "MEMORY is plenty", "a number of MiB", "such as 512")
    error = ConfigurationError([problem, problem])
    text = comment.problem(error, HEAD, tmp_path)
    assert "| `libs/broker/config.env:3` | `MEMORY is plenty` | a number of MiB | such as 512 |" in text
    line = comment.status_of(error, tmp_path)
    assert line == "libs/broker/config.env:3: MEMORY is plenty: a number of MiB (and 1 more)"


def test_another_error_is_its_one_line(tmp_path: Path) -> None:
    error = HarnessError("192.0.2.1:8006 does not answer", hint="is it up?")
    assert "192.0.2.1:8006 does not answer\n\nis it up?" in comment.problem(error, HEAD, tmp_path)
    assert comment.status_of(error, tmp_path) == "192.0.2.1:8006 does not answer"


@pytest.mark.parametrize(
    "evil",
    [
        "a | b | c",
        "`code`",
        "</td><script>alert(1)</script>",
        "[link](http://evil)",
        "line\n| new | row |",
        "<!-- gitops-agreement x -->",
        "```\nfence\n```",
    ],
)
def test_values_of_a_proposal_are_shown_and_do_nothing(evil: str) -> None:
    change = FieldChange("memory", evil, evil, Effect.HOT)
    text = comment.plan(plan(entry("broker", Action.CHANGE, change, reason=evil)), HEAD)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert all("\\|" in row or row.count("|") in (5, 7) for row in rows), text
    plain = markdown.text(evil)
    assert "<" not in plain
    assert "\n" not in plain
    assert "](http" not in plain.replace("\\]", "")


def test_code_with_backticks_keeps_its_fence() -> None:
    assert markdown.code("a`b") == "``a`b``"
    assert markdown.code("`") == "`` ` ``"
    assert markdown.block("```\nx").startswith("````\n")


def test_known_secrets_are_masked() -> None:
    secret = Secret("super-secret-value")
    for shown in (markdown.text, markdown.code, markdown.block):
        assert secret.reveal() not in shown(f"it is {secret.reveal()}!")


def event(item: str, outcome: Outcome | None = None, **evidence: object) -> Event:
    kind = Kind.END if outcome else Kind.START
    after = timedelta(seconds=2 if outcome else 0)
    return Event(kind, "run", "main", "broker", item, "abc", START + after, outcome, 2.0, evidence)


SPEC = "specs/test_broker.py::test_refuses_anonymous"


def told(outcome: Outcome, **evidence: object) -> story.RunStory:
    events = [event("converge"), event("converge", Outcome.PASSED), event(SPEC), event(SPEC, outcome, **evidence)]
    return story.tell("20260131T120000Z-1a2b", plan(entry("broker", Action.CONVERGE)), events)


def test_a_result_is_a_table_with_the_way_to_the_report() -> None:
    text = comment.result(told(Outcome.PASSED), HEAD, "http://forge/run/1")
    assert "| `broker` | converge only | passed | 1 of 1 | 2 s |" in text
    assert "[Report](http://forge/run/1) of run `20260131T120000Z-1a2b`." in text
    assert comment.status_of_result(told(Outcome.PASSED)) == "broker: passed, 1 specs passed"


def test_a_failed_spec_is_quoted_with_what_it_said() -> None:
    failed = told(Outcome.FAILED, error="AssertionError: it let me in", log="assert 0 == 5")
    text = comment.result(failed, HEAD, "")
    assert f"**broker**: `{SPEC}` failed\n\n```\nassert 0 == 5\nAssertionError: it let me in\n```" in text
    assert "| `broker` | converge only | **failed** | 0 of 1 |" in text
    assert comment.status_of_result(failed) == "failed: broker"


def test_a_release_that_waits_says_how_to_have_it_all_the_same() -> None:
    made = plan(entry("broker", Action.REPLACE))
    agreed = Agreement.on(made)
    text = comment.waiting(made, made.pending, agreed.digest, HEAD)
    assert "`broker` (replace)" in text
    assert f"`confirm` = `{agreed.digest}`" in text
    assert "Nothing was changed" in text
