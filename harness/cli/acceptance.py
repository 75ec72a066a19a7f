"""What ``local`` does once the control plane stands: show what waits to be accepted, accept it, follow the pipeline."""

from __future__ import annotations

from contextlib import closing
from typing import Final

from harness.cli import console, planning, results
from harness.controlplane.container import ControlPlane
from harness.forge import actions
from harness.forge.client import Address, Forge, Login
from harness.forge.model import Pull, Run
from harness.kit.errors import ExitCode, HarnessError
from harness.lifecycle import plan_builder
from harness.lifecycle.local_plane import LocalPlane
from harness.lifecycle.plan import Plan
from harness.lifecycle.seeding import names
from harness.lifecycle.workspace import Workspace
from harness.pipeline import agreement, follow, merging
from harness.pipeline.releasing import CONFIRM

RELEASE: Final = "release.yml"


class AcceptanceError(HarnessError):
    """The pull request was not accepted, or what it started went wrong."""


def offer(workspace: Workspace, plane: LocalPlane, *, accept: bool) -> int:
    """Show the pull request or, with ``accept``, accept it and follow the deploy; exit code 0: all is verified."""
    plan = plan_builder.build(workspace, control_plane=True)
    if not plan.pending and not plane.seeded.release:
        return _nothing(workspace, plane, plan)
    planning.show(plan)
    if plan.refused:
        return ExitCode.FAILED
    if not accept:
        return _leave_open(workspace, plane)
    code = _carry_out(plane, plan)
    if code == ExitCode.OK:
        results.show_containers(workspace, plane.control_plane)
    return code


def _nothing(workspace: Workspace, plane: LocalPlane, plan: Plan) -> int:
    if plan.refused:
        planning.show(plan)
        return ExitCode.FAILED
    console.show("nothing to do: everything is released and as the repository says")
    results.show_containers(workspace, plane.control_plane)
    return ExitCode.OK


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


def _carry_out(plane: LocalPlane, plan: Plan) -> int:
    with closing(_forge(plane.control_plane)) as forge:
        before = follow.newest(forge, names.CONFIG, RELEASE)
        if plane.seeded.release:
            _merge(forge, plane.seeded.release)
        else:
            console.say("all of it is released already: the release is carried out again")
            actions.dispatch(forge, names.CONFIG, RELEASE, names.RELEASE, {CONFIRM: agreement.digest(plan)})
        run = follow.started(forge, names.CONFIG, RELEASE, after=before)
        console.say(f"following {run.page}")
        return _code(follow.follow(forge, names.CONFIG, run, console.say))


def _forge(control_plane: ControlPlane) -> Forge:
    return Forge(Address(control_plane.url), Login(control_plane.login, password=control_plane.password))


def _merge(forge: Forge, pull: Pull) -> None:
    """Raises ``AcceptanceError`` with the reason why not."""
    console.say(f"accepting {pull.page}")
    reason = merging.accept(forge, names.CONFIG, pull)
    if reason:
        raise AcceptanceError(f"{pull.page} was not accepted: {reason}", hint="its page says more")


def _code(run: Run) -> int:
    if run.conclusion == "success":
        return ExitCode.OK
    raise AcceptanceError(f"the release ended with {run.conclusion}", hint=f"its log: {run.page}")
