"""``down``: stop the embedded node of this checkout and delete what stands on it. Never touches a Proxmox VE host."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from harness.cli import arguments, console, session, trial
from harness.embedded import launch
from harness.kit.errors import ExitCode, UsageError

EMBEDDED = "embedded"


def add_parser(subparsers: arguments.Subparsers) -> argparse.ArgumentParser:
    """``down [--yes] [--all]``."""
    parser = arguments.command(
        subparsers, "down", "Stop the embedded node and delete its containers, after asking; never a real PVE's."
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--all", action="store_true", help="also remove images, keys, journals and logins of the node")
    return parser


def run(options: argparse.Namespace) -> int:
    """Exit code 0: it is down; 1: the answer was no."""
    root = session.root()
    share = session.state(root, session.environment()) / EMBEDDED
    state = share / "node"
    containers = tuple(launch.guests(state))
    if containers and not options.yes and not confirm(containers):
        console.say("nothing was deleted")
        return ExitCode.FAILED
    trial.remove_leftovers(root)
    take_down(state, share, everything=options.all)
    return ExitCode.OK


def take_down(state: Path, share: Path, *, everything: bool) -> None:
    """Delete containers and networks; with ``everything`` images and this target's whole state."""
    launch.destroy(state, images=everything)
    if everything:
        shutil.rmtree(share, ignore_errors=False) if share.exists() else None
        console.say(f"the embedded node is down; its containers, images and state ({share}) are gone")
    else:
        console.say("the embedded node is down; its containers are gone, its base image stays (--all removes it)")


def confirm(containers: Iterable[str], ask: Callable[[str], str] = input) -> bool:
    """Whether the user wants these containers deleted.

    Raises ``UsageError`` where nobody can answer.
    """
    if not sys.stdin.isatty() and ask is input:
        raise UsageError("nobody is there to confirm the deletion", hint="./run down -- --yes")
    listed = ", ".join(containers)
    return ask(f"delete the containers {listed} of the embedded node? [y/N] ").strip().lower() in ("y", "yes")
