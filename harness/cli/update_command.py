"""``update``: upgrade the system of every container, reboot where that is required."""

from __future__ import annotations

import argparse

from harness.cli import arguments, pipeline_run
from harness.pipeline import updates


def add_parser(subparsers: arguments.Subparsers) -> argparse.ArgumentParser:
    """``update`` takes no arguments."""
    return arguments.command(
        subparsers, "update", "Upgrade the system of every container; reboot where it asks for that."
    )


def run(options: argparse.Namespace) -> int:  # noqa: ARG001
    """Exit code 0: all are up to date and well; 1: one is not."""
    return pipeline_run.in_office(updates.update_all)
