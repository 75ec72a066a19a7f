"""``snapshot``: archive the data of the job's container by its recipe."""

from __future__ import annotations

import argparse

from harness.cli import arguments, pipeline_run
from harness.pipeline import archiving


def add_parser(subparsers: arguments.Subparsers) -> argparse.ArgumentParser:
    """``snapshot`` takes no arguments."""
    return arguments.command(subparsers, "snapshot", "Archive the data of the job's container by its recipe.")


def run(options: argparse.Namespace) -> int:  # noqa: ARG001
    """Exit code 0: there is an archive, or the library asks for none; 1: it failed."""
    return pipeline_run.in_office(archiving.snapshot)
