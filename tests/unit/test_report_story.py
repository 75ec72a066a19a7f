"""What the report tells of a run."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from harness.lifecycle.journal import Event, Kind, Outcome
from harness.lifecycle.plan import Action, ContainerPlan, Plan
from harness.lifecycle.report import story, timeline
from harness.lifecycle.report.story import Verdict

ZERO = datetime(2026, 1, 1, tzinfo=UTC)


def moment(seconds: float) -> datetime:
    return ZERO + timedelta(seconds=seconds)


def start(item: str, at: float, container: str = "broker") -> Event:
    return Event(Kind.START, "1", "gw0", container, item, "r1", moment(at))


def end(item: str, at: float, outcome: Outcome, container: str = "broker", **evidence: Any) -> Event:
    return Event(Kind.END, "1", "gw0", container, item, "r1", moment(at), outcome, 1.5, evidence)


def plan(*names: str) -> Plan:
    entries = tuple(ContainerPlan(name, 110, "pve", name, "10.0.0.1", Action.CREATE, "there is none") for name in names)
    return Plan("embedded", "mr-1", "abc", entries)


def told(*events: Event, names: tuple[str, ...] = ("broker",)) -> story.RunStory:
    return story.tell("1", plan(*names), events)


def test_a_run_is_as_good_as_its_worst_container() -> None:
    run = told(
        start("converge", 0), end("converge", 1, Outcome.PASSED),
        start("converge", 0, "proxy"), end("converge", 2, Outcome.FAILED, "proxy"),
        names=("broker", "proxy", "wiki"),
    )  # fmt: skip
    assert [container.verdict for container in run.containers] == [Verdict.PASSED, Verdict.FAILED, Verdict.UNTOUCHED]
    assert run.verdict is Verdict.FAILED
    assert run.seconds == 2


def test_an_item_that_never_ended_is_unfinished() -> None:
    run = told(start("provision", 0), end("provision", 1, Outcome.PASSED), start("converge", 1))
    assert run.containers[0].trouble is run.containers[0].items[1]
    assert run.verdict is Verdict.UNFINISHED


def test_the_failure_is_told_before_what_it_held_back() -> None:
    run = told(
        start("converge", 0), end("converge", 1, Outcome.FAILED, error="it broke"),
        start("release", 1), end("release", 1, Outcome.SKIPPED, error="converge failed", held_back=True),
    )  # fmt: skip
    trouble = run.containers[0].trouble
    assert trouble
    assert (trouble.name, trouble.error) == ("converge", "it broke")


def test_specs_are_counted_apart_from_stages() -> None:
    run = told(
        start("base", 0), end("base", 1, Outcome.PASSED),
        start("specs/test_a.py::test_x", 1), end("specs/test_a.py::test_x", 2, Outcome.PASSED),
        start("specs/test_a.py::test_y", 2), end("specs/test_a.py::test_y", 3, Outcome.FAILED),
    )  # fmt: skip
    broker = run.containers[0]
    assert [item.label for item in broker.specs] == ["test_x", "test_y"]
    assert [item.name for item in broker.stages] == ["base"]
    assert broker.passed_specs == 1


def test_resources_and_single_facts_are_read_from_the_evidence() -> None:
    facts = {
        "engine": "itamae",
        "upgraded": False,
        "resources": [{"name": "file[/a]", "changed": True, "seconds": 0.2}],
    }
    run = told(start("converge", 0), end("converge", 1, Outcome.PASSED, facts=facts))
    item = run.containers[0].items[0]
    assert item.resources == (story.Resource("file[/a]", True, 0.2),)
    assert item.facts == (("engine", "itamae"),)


def test_bars_lie_where_their_time_was() -> None:
    run = told(
        start("provision", 0), end("provision", 5, Outcome.PASSED),
        start("converge", 5), end("converge", 20, Outcome.FAILED),
    )  # fmt: skip
    bars = timeline.draw(run).lanes[0].bars
    assert [(bar.step, bar.left, bar.width) for bar in bars] == [("provision", 0, 25), ("converge", 25, 75)]
    assert bars[1].title == "converge, failed, 15.0 s"


def test_specs_share_one_bar() -> None:
    events = []
    for number in range(3):
        events += [
            start(f"specs/t.py::test_{number}", number),
            end(f"specs/t.py::test_{number}", number + 1, Outcome.PASSED),
        ]
    bars = timeline.draw(told(*events)).lanes[0].bars
    assert [(bar.step, bar.left, bar.width) for bar in bars] == [("specs", 0, 100)]
    assert bars[0].title.startswith("specs, 3 of 3")


def test_what_was_held_back_has_no_bar_but_a_reason() -> None:
    run = told(start("provision", 0), end("provision", 0, Outcome.SKIPPED, error="apache failed", held_back=True))
    lane = timeline.draw(run).lanes[0]
    assert (lane.bars, lane.note) == ((), "apache failed")


def test_ticks_stand_at_round_times() -> None:
    assert [tick.label for tick in timeline.ticks(71)] == [
        "0 s", "10 s", "20 s", "30 s", "40 s", "50 s", "1:00", "1:10",
    ]  # fmt: skip
    assert [tick.label for tick in timeline.ticks(0.35)] == ["0.0 s", "0.1 s", "0.2 s", "0.3 s"]
    assert timeline.ticks(0) == ()


def test_a_refused_container_keeps_a_run_from_being_whole() -> None:
    run = told(start("base", 0), end("base", 1, Outcome.PASSED))
    refused = replace(plan("old").containers[0], action=Action.REFUSED)
    events = [start("base", 0), end("base", 1, Outcome.PASSED)]
    mixed = story.tell("1", replace(run.plan, containers=(*run.plan.containers, refused)), events)
    assert [container.verdict for container in mixed.containers] == [Verdict.PASSED, Verdict.REFUSED]
    assert (run.verdict, mixed.verdict) == (Verdict.PASSED, Verdict.REFUSED)


def test_a_specs_name_reads_as_words() -> None:
    name = "specs/test_b.py::test_both_ports[a_b]"
    run = told(start(name, 0), end(name, 1, Outcome.PASSED))
    assert run.containers[0].specs[0].sentence == "both ports [a_b]"
