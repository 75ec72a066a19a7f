"""``release``: deploy what was accepted, and no more than was posted before the merge."""

from __future__ import annotations

import argparse

from harness.cli import arguments, session
from harness.pipeline import greeting


def add_parser(subparsers: arguments.Subparsers) -> argparse.ArgumentParser:
    """``release``: everything it needs to know stands in the job."""
    return arguments.command(subparsers, "release", "Deploy an accepted pull request: what was posted, and no more.")


def run(options: argparse.Namespace) -> int:  # noqa: ARG001
    """Exit code 0: deployed and verified; 1: something failed or is refused; 10: it waits to be started by hand."""
    greeted = greeting.greet(session.checkout(), session.environment())
    from harness.cli import pipeline_run  # noqa: PLC0415 - takes its time, in which the target answers
    from harness.pipeline import releasing  # noqa: PLC0415

    return pipeline_run.in_office(lambda office: releasing.release(office, pipeline_run.carry_out, greeted))
