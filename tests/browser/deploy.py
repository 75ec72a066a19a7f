"""A deploy with a failure in it: its plan, its comments and its report, made by the harness itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from harness.lifecycle import report
from harness.lifecycle.journal import Event, Kind, Outcome
from harness.lifecycle.plan import Action, ContainerPlan, Effect, FieldChange, Plan
from harness.lifecycle.report import story
from harness.pipeline import comment

RUN = "20260105T081200Z-1a2b"
REPORT = f"/main/config/actions/reports/{RUN}"
_BEGAN = datetime(2026, 1, 5, 8, 12, tzinfo=UTC)
_LOG = """\
HTTP/1.1 502 Bad Gateway
* Connected to proxy.home (10.143.0.12) port 443
* upstream broker.home:8080 refused the connection"""


def _entry(name: str, number: int, action: Action, reason: str, *changes: FieldChange, **more: Any) -> ContainerPlan:
    return ContainerPlan(name, number, "pve", name, f"10.143.0.{number - 100}/24", action, reason, changes, **more)


PLAN = Plan(
    "10.143.0.1:8006",
    "mr-1f0c77a2",
    None,
    (
        _entry("config", 110, Action.UNCHANGED, "it is as the repository says"),
        _entry(
            "broker", 111, Action.CHANGE, "memory differs", FieldChange("memory", "512", "1024", Effect.HOT),
            revision="51c0ffee12ab34cd",
        ),
        _entry(
            "proxy", 112, Action.RESTART, "cores differ", FieldChange("cores", "1", "2", Effect.RESTART),
            revision="77aa00bb11cc22dd", needs=("broker",),
        ),
        _entry("apache", 113, Action.CREATE, "it does not exist yet", revision="0123456789abcdef"),
    ),
)  # fmt: skip


def plan_comment(head: str) -> str:
    """The plan as a pull request shows it."""
    return f"<!-- gitops:plan -->\n{comment.plan(PLAN, head)}"


def result_comment(sha: str, address: str) -> str:
    """What came of it."""
    return f"<!-- gitops:deploy -->\n{comment.result(_story(), sha, address)}"


def report_page() -> str:
    """The run's report."""
    return report.render(_story())


def _story() -> story.RunStory:
    return story.tell(RUN, PLAN, sorted(_events(), key=lambda event: event.time))


def _events() -> Iterator[Event]:
    base = {"facts": {"steps": [_step("apt", 0.3), _step("packages", 8.1), _step("sshd", 0.4)]}}
    for name, begin, specs in (("broker", 0.0, 12), ("apache", 1.2, 9)):
        stages = (
            (("provision", 2.4), {"changed": ["memory"]}),
            (("base", 9.6), base),
            (("converge", 7.5), _converged()),
        )
        yield from _passed(name, begin, stages, specs)
    stages = ((("provision", 6.2), {"changed": ["cores", "restarted"]}), (("base", 4.0), {}), (("converge", 6.5), {}))
    yield from _passed("proxy", 22.0, stages, 6)
    failed = {
        "error": "AssertionError: 502 is not 200\nassert 502 == 200",
        "hint": "./run verify -- proxy",
        "log": _LOG,
    }
    spec = "specs/test_proxy.py::test_serves_every_host[broker.home]"
    yield from _item("proxy", spec, (39.4, 1.6), Outcome.FAILED, failed)
    yield from _item("proxy", "release", (41.0, 0.0), Outcome.SKIPPED, {"held_back": True, "error": "a spec failed"})


def _converged() -> dict[str, Any]:
    names = ("package[mosquitto]", "template[/etc/mosquitto/conf.d/default.conf]", "service[mosquitto]")
    listed = [{"name": name, "changed": at == 1, "seconds": 2.6 / (at + 1)} for at, name in enumerate(names)]
    return {"changed": [names[1]], "facts": {"engine": "cinc", "resources": listed}}


def _step(name: str, seconds: float) -> dict[str, Any]:
    return {"name": name, "changed": False, "seconds": seconds}


def _passed(name: str, begin: float, stages: Any, specs: int) -> Iterator[Event]:
    at = begin
    for (stage, seconds), evidence in stages:
        yield from _item(name, stage, (at, seconds), Outcome.PASSED, evidence)
        at += seconds
    words = ("answers", "starts_on_boot", "refuses_anonymous", "has_its_name", "keeps_its_keys", "is_reached_by_name")
    for number in range(specs):
        item = f"specs/test_{name}.py::test_{words[number % len(words)]}{f'[{number}]' if number >= len(words) else ''}"
        yield from _item(name, item, (at, 0.1), Outcome.PASSED, {})
        at += 0.1


def _item(name: str, item: str, span: tuple[float, float], outcome: Outcome, evidence: Any) -> Iterator[Event]:
    seconds = span[1]
    begin, end = (_BEGAN + timedelta(seconds=when) for when in (span[0], sum(span)))
    yield Event(Kind.START, RUN, "gw0", name, item, "r1", begin)
    yield Event(Kind.END, RUN, "gw0", name, item, "r1", end, outcome, seconds, evidence)
