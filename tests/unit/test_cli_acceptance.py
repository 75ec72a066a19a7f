"""The release pull request, as ``./run local`` offers it: nothing to do, left open, accepted, refused, failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from harness.cli import acceptance
from harness.controlplane.container import ControlPlane
from harness.forge.model import Pull, Run
from harness.lifecycle.plan import Action, Plan
from harness.pipeline import agreement
from tests.unit import cli_world as world

RUN = Run(
    7, 2, "", "release.yml", "push", "release", "2" * 40, "queued", None, f"{world.URL}/main/config/actions/runs/7"
)
LOG = ("2026-01-05T08:12:00.123456Z broker  converge  passed", "2026-01-05T08:12:01Z ", "a line as it is")


@dataclass
class FakeDesk:
    """A forge that merges unless there is a ``reason`` not to, and whose run ends as told."""

    reason: str = ""
    conclusion: str = "success"
    did: list[str] = field(default_factory=list)

    def newest(self) -> int:
        return 5

    def accept(self, pull: Pull) -> str:
        self.did.append(f"accept {pull.number}")
        return self.reason

    def again(self, confirmed: str) -> None:
        self.did.append(f"again {confirmed}")

    def started(self, after: int) -> Run:
        self.did.append(f"started after {after}")
        return RUN

    def follow(self, run: Run, on_line: Callable[[str], None]) -> Run:
        for line in LOG:
            on_line(line)
        return replace(run, status="completed", conclusion=self.conclusion)

    def close(self) -> None:
        self.did.append("close")

    def open(self, control_plane: ControlPlane) -> AbstractContextManager[acceptance.Desk]:
        @contextmanager
        def opened() -> Iterator[acceptance.Desk]:
            yield self

        return opened()


def offer(
    root: Path,
    plan: Plan,
    *,
    release: Pull | None = world.PULL,
    accept: bool = True,
    desk: FakeDesk | None = None,
    host: str | None = None,
) -> int:
    here = world.workspace(root, host=host)
    at = desk or FakeDesk()
    return acceptance.offer(here, world.plane(release), plan, accept=accept, desk=at.open)


def test_nothing_to_do_asks_the_forge_for_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    desk = FakeDesk()
    assert offer(tmp_path, world.plan(Action.UNCHANGED), release=None, desk=desk) == 0
    assert desk.did == []
    shown = capsys.readouterr().out
    for expected in ("nothing to do", "10.143.0.11", "MQTT for all", f"{world.URL}/containers", "./run verify"):
        assert expected in shown


def test_left_open_names_the_pull_request_and_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = FakeDesk()
    assert offer(tmp_path, world.plan(Action.CREATE), accept=False, desk=desk) == 0
    assert desk.did == []
    shown = capsys.readouterr().out
    for expected in ("broker", "create", world.PULL.page, "the embedded node", "./run local -- --accept", "login.json"):
        assert expected in shown


def test_left_open_says_which_host_it_would_deploy_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    offer(tmp_path, world.plan(Action.CREATE), accept=False, host="pve.example.org")
    assert "deploys this plan to pve.example.org" in capsys.readouterr().out


@pytest.mark.parametrize(("moment", "page"), [("started", f"{world.URL}/main/config/actions"), ("follow", RUN.page)])
def test_who_stops_watching_is_told_that_the_release_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], moment: str, page: str
) -> None:
    def interrupted(*_: object) -> Run:
        raise KeyboardInterrupt

    desk = FakeDesk()
    setattr(desk, moment, interrupted)
    with pytest.raises(KeyboardInterrupt):
        offer(tmp_path, world.plan(Action.CREATE), desk=desk)
    assert f"the control plane goes on with it: {page} shows it" in capsys.readouterr().err.replace("\n", " ")


def test_accepted_is_merged_and_followed_to_its_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    desk = FakeDesk()
    assert offer(tmp_path, world.plan(Action.CREATE), desk=desk) == 0
    assert desk.did == ["accept 1", "started after 5"]
    shown = capsys.readouterr()
    assert RUN.page in shown.err
    assert f"{world.URL}/containers" in shown.out


def test_the_log_is_handed_on_without_the_forges_times(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    offer(tmp_path, world.plan(Action.CREATE))
    lines = capsys.readouterr().err.splitlines()
    assert lines[-3:] == ["broker  converge  passed", "", "a line as it is"]


def test_what_is_released_already_is_carried_out_again_as_it_was_shown(tmp_path: Path) -> None:
    desk, plan = FakeDesk(), world.plan(Action.CONVERGE)
    assert offer(tmp_path, plan, release=None, desk=desk) == 0
    assert desk.did == [f"again {agreement.digest(plan)}", "started after 5"]


def test_a_plan_with_a_strangers_container_is_not_accepted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    desk = FakeDesk()
    assert offer(tmp_path, world.plan(Action.REFUSED), desk=desk) == 1
    assert desk.did == []
    assert "refused" in capsys.readouterr().out


def test_a_merge_that_is_refused_says_why(tmp_path: Path) -> None:
    desk = FakeDesk(reason="left open: its plan is failure")
    with pytest.raises(acceptance.AcceptanceError, match=r"pulls/1 was not accepted: left open: its plan is failure"):
        offer(tmp_path, world.plan(Action.CREATE), desk=desk)
    assert desk.did == ["accept 1"]


def test_a_deploy_that_fails_leads_to_its_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(acceptance.AcceptanceError, match="ended with failure") as failed:
        offer(tmp_path, world.plan(Action.CREATE), desk=FakeDesk(conclusion="failure"))
    assert failed.value.hint == f"its log: {RUN.page}"
    assert "/containers" not in capsys.readouterr().out


def test_changes_that_wait_because_the_forge_went_on_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    waiting = replace(world.PULL, number=4, page=f"{world.URL}/main/broker/pulls/4")
    here, plane = world.workspace(tmp_path), world.plane(None, waiting)
    acceptance.offer(here, plane, world.plan(Action.UNCHANGED), accept=True, desk=FakeDesk().open)
    assert "what you have changed waits in http://localhost:8080/main/broker/pulls/4" in capsys.readouterr().err
