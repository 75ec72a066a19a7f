"""``plan``: what deploy would do to each container, and why. Changes nothing."""

from __future__ import annotations

import argparse

from harness.cli import arguments, console, planning
from harness.kit.errors import ExitCode


def add_parser(subparsers: arguments.Subparsers) -> argparse.ArgumentParser:
    """``plan [container …] [--json] [--stage NAME]``."""
    parser = arguments.command(subparsers, "plan", "Show what deploy would do, and why; change nothing.")
    arguments.add_containers(parser)
    arguments.add_stage(parser)
    parser.add_argument("--json", action="store_true", help="the plan for machines, on stdout")
    return parser


def run(options: argparse.Namespace) -> int:
    """Exit code 0: nothing to do; 10: changes; 1: a container is refused."""
    workspace = planning.open_workspace(options)
    plan = planning.make(workspace, options)
    if options.json:
        console.write(planning.as_json(plan))
    else:
        planning.show(plan)
    if plan.refused:
        return ExitCode.FAILED
    return ExitCode.CHANGES if plan.pending else ExitCode.OK
