"""``local``: from a fresh machine to a control plane and verified containers. With a name: one throw-away container."""

from __future__ import annotations

import argparse

from harness.cli import acceptance, arguments, console, doctor_command, planning, trial
from harness.kit.errors import ExitCode, UsageError
from harness.lifecycle import local_plane
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
    doctor_command.require("local")
    workspace = planning.open_workspace(options)
    if options.no_deploy:
        return stop_at_plan(workspace, planning.make(workspace, options))
    plane = local_plane.bring_up(workspace, console.say)
    accept = workspace.settings.embedded_target if options.accept is None else options.accept
    return acceptance.offer(workspace, plane, accept=accept)


def stop_at_plan(workspace: Workspace, plan: Plan) -> int:
    """Show what would be done, and how to have it done."""
    planning.show(plan)
    if plan.refused:
        return ExitCode.FAILED
    where = "the embedded node" if workspace.settings.embedded_target else str(workspace.settings.proxmox.host)
    if plan.pending:
        console.show(f"nothing was changed; to apply this plan to {where}, type: ./run deploy", style="bold")
    return ExitCode.OK
