"""``local``: from a fresh machine to a control plane and verified containers. With a name: one throw-away container."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager

from harness.cli import acceptance, arguments, automatic, console, doctor_command, planning, results, session, trial
from harness.kit.errors import ExitCode, UsageError
from harness.lifecycle import local_plane, plan_builder
from harness.lifecycle.plan import Plan
from harness.lifecycle.workspace import Workspace


def add_parser(subparsers: arguments.Subparsers) -> argparse.ArgumentParser:
    """``local [--accept | --no-accept | --no-deploy]`` or ``local NAME [--once]``."""
    parser = arguments.command(
        subparsers,
        "local",
        "Set up everything on this machine: control plane, release pull request, deploy; or try one library by itself.",
    )
    parser.add_argument(
        "container",
        nargs="?",
        help="try this library in a throw-away container, and again whenever one of its files is saved",
    )
    parser.add_argument("--once", action="store_true", help="with a container: one time, without watching")
    how_far = parser.add_mutually_exclusive_group()
    how_far.add_argument(
        "--accept",
        action="store_true",
        default=None,
        help="accept the release pull request and follow the deploy (what happens by itself on the embedded node)",
    )
    how_far.add_argument(
        "--no-accept", dest="accept", action="store_false", default=None, help="leave the pull request to a person"
    )
    how_far.add_argument("--no-deploy", action="store_true", help="stop before the control plane, with the plan shown")
    parser.set_defaults(containers=[], stage=None, allow_replace=[], pytest=[])
    return parser


def run(options: argparse.Namespace) -> int:
    """Exit code 0: three lines of what to do next are the last thing printed."""
    if options.container:
        doctor_command.require("tests")  # a throw-away container is always on an embedded node
        return trial.run(options.container, once=options.once)
    if options.once:
        raise UsageError("--once goes with a container", hint="./run local -- apache --once")
    told = automatic.wish(session.environment())
    doctor_command.require("local")
    with password_shown(options) as workspace:
        if options.no_deploy:
            return stop_at_plan(workspace, planning.make(workspace, options))
        plane = local_plane.bring_up(workspace, console.say)
        plan = plan_builder.build(workspace, control_plane=True)
        accept, everywhere = how_far(options.accept, told, harmless=workspace.settings.embedded_target)
        code = acceptance.offer(workspace, plane, plan, accept=accept)
        if everywhere and code == ExitCode.OK:
            automatic.accept_inside(workspace)
        return code


def how_far(option: bool | None, told: bool | None, *, harmless: bool) -> tuple[bool, bool]:
    """Whether to accept the release, and whether to accept inside as well: the option wins over what ``AUTO_DEPLOY``
    told, and where neither says anything a target that cannot be harmed is deployed to.
    """
    accept = next((said for said in (option, told) if said is not None), harmless)
    return accept, accept and bool(told)


@contextmanager
def password_shown(options: argparse.Namespace) -> Iterator[Workspace]:
    """The workspace; a password that opening it made is shown once, at the end, however that comes."""
    kept = session.state(session.root(), session.environment()).glob("*/login.json")
    before = frozenset(kept)
    workspace = planning.open_workspace(options)
    try:
        yield workspace
    finally:
        place = workspace.credentials_place
        if place == workspace.share.login_file and place not in before:
            results.show_password(workspace)


def stop_at_plan(workspace: Workspace, plan: Plan) -> int:
    """Show what would be done, and how to have it done."""
    planning.show(plan)
    if plan.refused:
        return ExitCode.FAILED
    where = "the embedded node" if workspace.settings.embedded_target else str(workspace.settings.proxmox.host)
    if plan.pending:
        console.show(f"nothing was changed; to apply this plan to {where}, type: ./run deploy", style="bold")
    return ExitCode.OK
