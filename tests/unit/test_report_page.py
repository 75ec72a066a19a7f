"""The report as a page: whole in itself, masked, and saying what it must."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.kit.errors import UsageError
from harness.kit.secret import Secret
from harness.lifecycle import plan_file, report
from harness.lifecycle.journal import FILE_NAME, Journal, Outcome
from harness.lifecycle.plan import Action, ContainerPlan, Effect, FieldChange, LeftAlone, Plan


@pytest.fixture
def run(tmp_path: Path) -> Path:
    change = FieldChange("memory", "512", "1024", Effect.HOT)
    entry = ContainerPlan(
        "broker", 110, "pve", "broker", "10.143.0.11", Action.CHANGE, "memory differs", (change,), "abcdef0123456789"
    )
    refused = ContainerPlan(
        "old", 114, "pve", "old", "10.143.0.15", Action.REFUSED, "not ours", hint="choose another ID"
    )
    left = (LeftAlone("wiki", 120, "pve", "stopped", "pct destroy 120 --purge"),)
    plan_file.write(tmp_path / "plan.json", Plan("embedded", "mr-0123", "a1b2c3d", (entry, refused), left))
    journal = Journal(tmp_path / FILE_NAME)
    journal.start("broker", "converge", "r1")
    facts = {"engine": "itamae", "resources": [{"name": "file[/etc/motd]", "changed": True, "seconds": 0.2}]}
    journal.end(
        "broker", "converge", "r1", Outcome.PASSED, seconds=3, evidence={"changed": ["file[/etc/motd]"], "facts": facts}
    )
    journal.start("broker", "specs/test_b.py::test_refuses_anonymous", "r1")
    journal.end(
        "broker",
        "specs/test_b.py::test_refuses_anonymous",
        "r1",
        Outcome.FAILED,
        seconds=0.2,
        evidence={"error": "assert <b>0</b> == 5", "hint": "mend it", "log": "the last line"},
    )
    return tmp_path


def test_the_page_says_what_was_planned_and_what_came_of_it(run: Path) -> None:
    page = report.build(run).read_text()
    for words in ("embedded", "a1b2c3d", "change in place", "512", "1024", "file[/etc/motd]", "refuses anonymous"):
        assert words in page
    for words in (
        "mend it",
        "the last line",
        "not ours",
        "choose another ID",
        "id 120",
        "no longer here",
        "pct destroy 120 --purge",
        "abcdef012345",
        "0 of 1",
    ):
        assert words in page


def test_the_page_needs_nothing_beside_itself(run: Path) -> None:
    page = report.build(run).read_text()
    assert not re.search(r"<(script|link|img|iframe)\b|\bsrc=|@import|url\(", page)
    assert all(target.startswith("#") for target in re.findall(r'href="([^"]*)"', page))


def test_what_containers_print_is_shown_not_obeyed(run: Path) -> None:
    assert "assert &lt;b&gt;0&lt;/b&gt; == 5" in report.build(run).read_text()


def test_light_and_dark_are_the_readers_choice(run: Path) -> None:
    assert "prefers-color-scheme: dark" in report.build(run).read_text()


def test_a_secret_learned_later_is_masked(run: Path) -> None:
    journal = Journal(run / FILE_NAME)
    journal.end("broker", "release", "r1", Outcome.FAILED, evidence={"error": "login with kept-to-itself refused"})
    Secret("kept-to-itself")
    assert "kept-to-itself" not in report.build(run).read_text()


def test_a_run_in_which_nothing_happened_has_a_page_too(run: Path) -> None:
    (run / FILE_NAME).unlink()
    plan_file.write(run / "plan.json", Plan("embedded", "mr-0123", None, ()))
    assert "Nothing was done" in report.build(run).read_text()


def test_without_a_plan_there_is_no_report(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        report.build(tmp_path)
