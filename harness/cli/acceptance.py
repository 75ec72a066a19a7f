"""What ``local`` does once the control plane stands: show what waits to be accepted, accept it, follow the pipeline."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from typing import Final, Protocol

from harness.cli import console, planning, results
from harness.controlplane.container import ControlPlane
from harness.forge import actions
from harness.forge.client import Address, Forge, Login
from harness.forge.model import Pull, Run
from harness.kit.errors import ExitCode, HarnessError
from harness.lifecycle.local_plane import LocalPlane
from harness.lifecycle.plan import Plan
from harness.lifecycle.seeding import names
from harness.lifecycle.workspace import Workspace
from harness.pipeline import agreement, follow, merging
from harness.pipeline.releasing import CONFIRM

RELEASE: Final = "release.yml"
_MOMENT: Final = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z ?")
"""What a forge puts before each line of a log (RFC 3339)."""


class AcceptanceError(HarnessError):
    """The pull request was not accepted, or what it started went wrong."""


class Desk(Protocol):
    """What is done at the forge with a release of ``main/config``."""

    def newest(self) -> int:
        """The newest run of the release workflow; 0: there is none."""

    def accept(self, pull: Pull) -> str:
        """Merge it; why not, empty when it is merged."""

    def again(self, confirmed: str) -> None:
        """Carry out again what is released; ``confirmed`` names the plan that a person has seen."""

    def started(self, after: int) -> Run:
        """The run that came after ``after``."""

    def follow(self, run: Run, on_line: Callable[[str], None]) -> Run:
        """Hand on its log until it has ended; the run as it is then."""

    def close(self) -> None:
        """Let go of the forge."""


@dataclass(frozen=True, slots=True)
class ForgeDesk:
    """The desk at a forge that answers."""

    forge: Forge

    def newest(self) -> int:
        """See ``Desk``."""
        return follow.newest(self.forge, names.CONFIG, RELEASE)

    def accept(self, pull: Pull) -> str:
        """See ``Desk``."""
        return merging.accept(self.forge, names.CONFIG, pull)

    def again(self, confirmed: str) -> None:
        """See ``Desk``."""
        actions.dispatch(self.forge, names.CONFIG, RELEASE, names.RELEASE, {CONFIRM: confirmed})

    def started(self, after: int) -> Run:
        """See ``Desk``."""
        return follow.started(self.forge, names.CONFIG, RELEASE, after=after)

    def follow(self, run: Run, on_line: Callable[[str], None]) -> Run:
        """See ``Desk``."""
        return follow.follow(self.forge, names.CONFIG, run, on_line)

    def close(self) -> None:
        """See ``Desk``."""
        self.forge.close()


def at_forge(control_plane: ControlPlane) -> AbstractContextManager[Desk]:
    """The desk of the administrator."""
    login = Login(control_plane.login, password=control_plane.password)
    return closing(ForgeDesk(Forge(Address(control_plane.url), login)))


OpenDesk = Callable[[ControlPlane], AbstractContextManager[Desk]]


def offer(workspace: Workspace, plane: LocalPlane, plan: Plan, *, accept: bool, desk: OpenDesk = at_forge) -> int:
    """Show the pull request or, with ``accept``, accept it and follow the deploy; exit code 0: all is well.

    ``plan``: of all containers, the control plane's own too. Raises ``AcceptanceError`` when the pull request cannot be
    merged or its deploy fails.
    """
    _tell_what_waits(plane)
    if not plan.pending and not plan.refused and not plane.seeded.release:
        console.show("nothing to do: everything is released and as the repository says")
        results.show_containers(workspace, plane.control_plane)
        return ExitCode.OK
    planning.show(plan)
    if plan.refused:
        return ExitCode.FAILED
    if not accept:
        return _leave_open(workspace, plane)
    with desk(plane.control_plane) as forge:
        _carry_out(forge, plane, plan)
    results.show_containers(workspace, plane.control_plane)
    return ExitCode.OK


def _tell_what_waits(plane: LocalPlane) -> None:
    """Changes that could not go to ``main``, for the forge has some that the working tree lacks."""
    for entry in plane.seeded.repositories:
        if entry.request is not None:
            console.say(f"{entry.slug} was changed in the forge: what you have changed waits in {entry.request.page}")


def _leave_open(workspace: Workspace, plane: LocalPlane) -> int:
    where = "the embedded node" if workspace.settings.embedded_target else str(workspace.settings.proxmox.host)
    page = plane.pull_request
    if page is None:
        console.show("everything is released, but not everything stands as released; type: ./run local -- --accept")
        return ExitCode.OK
    console.show(f"pull request: {page}", style="bold")
    console.show(f"accepting it deploys this plan to {where}; or type: ./run local -- --accept")
    results.show_sign_in(workspace, plane.control_plane)
    return ExitCode.OK


def _carry_out(forge: Desk, plane: LocalPlane, plan: Plan) -> None:
    before = forge.newest()
    if plane.seeded.release:
        _merge(forge, plane.seeded.release)
    else:
        console.say("all of it is released already: the release is carried out again")
        forge.again(agreement.digest(plan))
    ended = _follow(forge, before, plane.control_plane.url)
    if ended.conclusion != "success":
        raise AcceptanceError(f"the release ended with {ended.conclusion}", hint=f"its log: {ended.page}")


def _follow(forge: Desk, before: int, url: str) -> Run:
    """What the release came to; who stops watching it is told that it goes on."""
    page = f"{url}/{names.CONFIG}/actions"
    try:
        run = forge.started(before)
        page = run.page
        console.say(f"following {page}")
        return forge.follow(run, lambda line: console.say(without_moment(line)))
    except KeyboardInterrupt:
        console.say(f"it was accepted, and the control plane goes on with it: {page} shows it and can cancel it")
        raise


def _merge(forge: Desk, pull: Pull) -> None:
    """Raises ``AcceptanceError`` with the reason why not."""
    console.say(f"accepting {pull.page}")
    reason = forge.accept(pull)
    if reason:
        raise AcceptanceError(f"{pull.page} was not accepted: {reason}", hint="its page says more")


def without_moment(line: str) -> str:
    """A line of a log as it was printed, without the time that the forge put before it."""
    return _MOMENT.sub("", line, count=1)
