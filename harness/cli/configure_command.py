"""``configure``: converge and verify what stands, from the commit that was pushed."""

from __future__ import annotations

import argparse

from harness.cli import arguments, pipeline_run
from harness.pipeline import releasing


def add_parser(subparsers: arguments.Subparsers) -> argparse.ArgumentParser:
    """``configure``: everything it needs to know stands in the job."""
    purpose = "Configure what stands, from the job's commit; create, restart and replace nothing."
    return arguments.command(subparsers, "configure", purpose)


def run(options: argparse.Namespace) -> int:  # noqa: ARG001
    """Exit code 0: configured and verified, or nothing to configure; 1: something failed."""
    return pipeline_run.in_office(lambda office: releasing.configure(office, pipeline_run.carry_out))
