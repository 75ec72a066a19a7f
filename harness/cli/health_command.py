"""``health``: ask every container and its service how they are, and tell it in their repositories."""

from __future__ import annotations

import argparse

from harness.cli import arguments, pipeline_run
from harness.pipeline import health


def add_parser(subparsers: arguments.Subparsers) -> argparse.ArgumentParser:
    """``health`` takes no arguments."""
    return arguments.command(
        subparsers, "health", "Ask every container and its service how they are; tell their repositories."
    )


def run(options: argparse.Namespace) -> int:  # noqa: ARG001
    """Exit code 0: all are well; 1: one is not."""
    return pipeline_run.in_office(health.report)
