"""``release``: deploy what was accepted, and no more than was posted before the merge."""

from __future__ import annotations

import argparse

from harness.cli import arguments, pipeline_run
from harness.pipeline import releasing


def add_parser(subparsers: arguments.Subparsers) -> argparse.ArgumentParser:
    """``release``: everything it needs to know stands in the job."""
    return arguments.command(subparsers, "release", "Deploy an accepted pull request: what was posted, and no more.")


def run(options: argparse.Namespace) -> int:  # noqa: ARG001
    """Exit code 0: deployed and verified; 1: something failed or is refused; 10: it waits to be started by hand."""
    return pipeline_run.in_office(lambda office: releasing.release(office, pipeline_run.carry_out))
