"""``verify``: the containers' specs against what is running; changes nothing."""

from __future__ import annotations

import argparse

from harness.cli import arguments, planning, session, suite_run


def add_parser(subparsers: arguments.Subparsers) -> argparse.ArgumentParser:
    """``verify [container …] [--stage NAME] [pytest options]``."""
    parser = arguments.command(subparsers, "verify", "Run the containers' specs against what is running.")
    arguments.add_containers(parser)
    arguments.add_stage(parser)
    arguments.add_pytest(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    """Exit code 0: every spec passed; 1: one did not, or a container is not there."""
    workspace = planning.open_workspace(options)
    plan = planning.make(workspace, options)
    run_dir = planning.new_run(workspace, plan)
    count = sum(entry.deployed_here for entry in plan.containers)
    argv = suite_run.arguments("verify", run_dir, arguments.pytest_arguments(options), count)
    return suite_run.run(argv, workspace.root, session.for_child(workspace.root, session.environment()))
