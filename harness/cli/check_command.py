"""``check``: what a pull request would do; nothing of it is run, nothing is changed."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.cli import arguments, pipeline_run
from harness.pipeline import checking


def add_parser(subparsers: arguments.Subparsers) -> argparse.ArgumentParser:
    """``check [--proposed DIR]``."""
    parser = arguments.command(
        subparsers, "check", "Post what a pull request would do; its files are read, nothing of it is run."
    )
    parser.add_argument(
        "--proposed", type=Path, metavar="DIR", help="check the files in this directory instead of a pull request's"
    )
    return parser


def run(options: argparse.Namespace) -> int:
    """Exit code 0: there is a plan; 1: something is refused; 2: the configuration is wrong; 3: the target is away."""
    if options.proposed:
        return pipeline_run.in_office(lambda office: checking.check_folder(office, options.proposed))
    return pipeline_run.in_office(checking.check_pull)
