"""``local``: from a fresh machine to verified containers. With a name: one throw-away container of that library."""

from __future__ import annotations

import argparse

from harness.cli import arguments, console, deploy_command, doctor_command, planning, results, trial
from harness.kit.errors import ExitCode, UsageError
from harness.lifecycle.plan import Plan
from harness.lifecycle.workspace import Workspace


def add_parser(subparsers: arguments.Subparsers) -> argparse.ArgumentParser:
    """``local [--no-deploy]`` or ``local NAME [--once]``."""
    parser = arguments.command(
        subparsers, "local", "Set up everything on this machine, deploy and verify; or try one library by itself."
    )
    parser.add_argument(
        "container",
        nargs="?",
        help="try this library in a throw-away container, and again whenever one of its files is saved",
    )
    parser.add_argument("--once", action="store_true", help="with a container: one time, without watching")
    parser.add_argument(
        "--no-deploy", action="store_true", help="stop with the embedded node running and the plan shown"
    )
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
    plan = planning.make(workspace, options)
    if options.no_deploy or not workspace.settings.embedded_target:
        return stop_at_plan(workspace, plan)
    return deploy(options, workspace, plan)


def stop_at_plan(workspace: Workspace, plan: Plan) -> int:
    """Show what would be done, and how to have it done."""
    planning.show(plan)
    if plan.refused:
        return ExitCode.FAILED
    where = "the embedded node" if workspace.settings.embedded_target else str(workspace.settings.proxmox.host)
    if plan.pending:
        console.show(f"nothing was changed; to apply this plan to {where}, type: ./run deploy", style="bold")
    return ExitCode.OK


def deploy(options: argparse.Namespace, workspace: Workspace, plan: Plan) -> int:
    """Carry the plan out, then say what stands where and what to do with it."""
    if plan.pending:
        planning.show(plan)
        code = deploy_command.carry_out(options, workspace, plan)
    else:
        code = deploy_command.nothing_to_do(plan)
    if code == ExitCode.OK:
        results.show_containers(workspace)
    return code
