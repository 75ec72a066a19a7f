"""``accept``: merge all open release pull requests whose plan is fine."""

from __future__ import annotations

import argparse

from harness.cli import arguments, pipeline_run
from harness.inventory.model import Inventory
from harness.kit.errors import HarnessError
from harness.pipeline import merging
from harness.pipeline.door import Office


def add_parser(subparsers: arguments.Subparsers) -> argparse.ArgumentParser:
    """``accept`` takes no arguments."""
    return arguments.command(subparsers, "accept", "Merge all open release pull requests whose plan is fine.")


def run(options: argparse.Namespace) -> int:  # noqa: ARG001
    """Exit code 0: nothing waits any more; 1: something does, each said with its reason."""
    return pipeline_run.in_office(lambda office: merging.accept_all(office, _inventory(office)))


def _inventory(office: Office) -> Inventory | None:
    """For the order; where it cannot be read, its pull request says why, and the others go by name."""
    try:
        workspace = office.workspace()
    except HarnessError as error:
        office.say(error.message)
        return None
    workspace.close()
    return workspace.inventory
