"""``AUTO_DEPLOY``: what it means, how far ``local`` goes with it, and what is accepted inside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from harness.cli import automatic
from harness.cli.acceptance import AcceptanceError
from harness.forge.model import Pull, Run
from harness.kit.errors import UsageError
from harness.lifecycle.workspace import Workspace
from tests.unit import cli_world as world

PAGE = "https://10.143.0.10/main/broker/pulls/1"
WAITS = replace(world.PULL, page=PAGE)
RUN = Run(3, 1, "", "deploy.yml", "workflow_dispatch", "main", "2" * 40, "completed", "success", "https://run")


@pytest.mark.parametrize(
    ("told", "meant"), [(None, None), ("", None), ("true", True), ("True ", True), ("false", False), ("0", False)]
)
def test_the_variable_says_yes_no_or_nothing(told: str | None, meant: bool | None) -> None:
    assert automatic.wish({} if told is None else {"AUTO_DEPLOY": told}) is meant


def test_a_variable_that_means_neither_is_refused() -> None:
    with pytest.raises(UsageError, match="AUTO_DEPLOY is maybe"):
        automatic.wish({"AUTO_DEPLOY": "maybe"})


@dataclass
class FakeDesk:
    """A forge with what waits in it, whose task ends as told."""

    waits: tuple[Pull, ...] = ()
    conclusion: str = "success"
    did: list[str] = field(default_factory=list)

    def waiting(self) -> list[Pull]:
        return list(self.waits)

    def accept(self, on_line: Callable[[str], None]) -> Run:
        self.did.append("accept")
        on_line("2026-01-05T08:12:00.123456Z main/broker pull request 1: merged")
        return replace(RUN, conclusion=self.conclusion)

    def close(self) -> None: ...

    def open(self, workspace: Workspace) -> AbstractContextManager[automatic.Desk]:
        @contextmanager
        def opened() -> Iterator[automatic.Desk]:
            yield self

        return opened()


def test_what_waits_inside_is_accepted_by_the_task_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    desk = FakeDesk((WAITS,))
    automatic.accept_inside(world.workspace(tmp_path), desk.open)
    assert desk.did == ["accept"]
    said = capsys.readouterr().err.splitlines()
    assert said == [f"accepting inside: {PAGE}", "main/broker pull request 1: merged"]


def test_where_nothing_waits_inside_no_task_is_started(tmp_path: Path) -> None:
    desk = FakeDesk()
    automatic.accept_inside(world.workspace(tmp_path), desk.open)
    assert desk.did == []


def test_what_stays_open_inside_is_a_failure_with_the_task_s_log(tmp_path: Path) -> None:
    with pytest.raises(AcceptanceError) as failed:
        automatic.accept_inside(world.workspace(tmp_path), FakeDesk((WAITS,), "failure").open)
    assert failed.value.hint == "its log: https://run"
