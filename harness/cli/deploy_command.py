"""``deploy``: the plan as a pytest suite; nothing is started when there is nothing to do."""

from __future__ import annotations

import argparse

from harness.cli import arguments, console, doctor_command, planning, session, suite_run
from harness.kit.errors import ExitCode
from harness.lifecycle.plan import Plan
from harness.lifecycle.workspace import Workspace


def add_parser(subparsers: arguments.Subparsers) -> argparse.ArgumentParser:
    """``deploy [container …] [--allow-replace NAME] [--stage NAME] [pytest options]``."""
    parser = arguments.command(subparsers, "deploy", "Bring containers to what the repository says, and verify them.")
    arguments.add_containers(parser)
    arguments.add_stage(parser)
    parser.add_argument(
        "--allow-replace",
        metavar="NAME",
        action="append",
        default=[],
        help="let this container be deleted and made anew where the plan needs it; may be given several times",
    )
    arguments.add_pytest(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    """Exit code 0: everything is as the repository says; 1: something failed or is refused."""
    doctor_command.require("deploy")
    workspace = planning.open_workspace(options)
    plan = planning.make(workspace, options)
    if not plan.pending:
        return nothing_to_do(plan)
    planning.show(plan)
    return carry_out(options, workspace, plan)


def nothing_to_do(plan: Plan) -> int:
    """Say so; containers that are refused are a failure all the same."""
    if plan.refused:
        planning.show(plan)
        return ExitCode.FAILED
    names = ", ".join(entry.name for entry in plan.containers if entry.deployed_here)
    console.show(f"nothing to do: {names} as the repository says" if names else "nothing to do: no containers")
    return ExitCode.OK


def carry_out(options: argparse.Namespace, workspace: Workspace, plan: Plan) -> int:
    """Run the suite for ``plan`` and show where things stand afterwards."""
    run_dir = planning.new_run(workspace, plan)
    argv = suite_run.arguments("deploy", run_dir, arguments.pytest_arguments(options), len(plan.pending))
    code = suite_run.run(argv, workspace.root, session.for_child(workspace.root, session.environment()))
    return ExitCode.FAILED if code == ExitCode.OK and plan.refused else code
