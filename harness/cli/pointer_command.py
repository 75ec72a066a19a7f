"""``pointer``: let the monorepo point to what ``main`` of a part holds now."""

from __future__ import annotations

import argparse

from harness.cli import arguments, console, pipeline_run
from harness.kit.errors import ExitCode
from harness.lifecycle.seeding import pointers
from harness.pipeline.door import Office


def add_parser(subparsers: arguments.Subparsers) -> argparse.ArgumentParser:
    """``pointer``: the part is the job's repository."""
    return arguments.command(subparsers, "pointer", "Let main/config point to what main of this part holds.")


def run(options: argparse.Namespace) -> int:  # noqa: ARG001
    """Exit code 0: it points there."""
    return pipeline_run.in_office(move)


def move(office: Office) -> int:
    """Move the pointer to the job's repository."""
    job, forge = office.require()
    made = pointers.bump(forge, office.scratch, job.name)
    console.say(f"main/config points to it since {made[:12]}" if made else "main/config points to it already")
    return ExitCode.OK
