"""Between the commands and the lifecycle: opening the workspace, making a plan, keeping it in a run's directory."""

from __future__ import annotations

import argparse
import secrets
from datetime import UTC, datetime
from pathlib import Path

from harness.cli import arguments, console, session
from harness.inventory.model import CONTROL_PLANE
from harness.kit.files import private_directory
from harness.lifecycle import plan_builder, plan_file, plan_view
from harness.lifecycle.plan import Plan
from harness.lifecycle.workspace import Workspace

PLAN_FILE = "plan.json"


def open_workspace(options: argparse.Namespace) -> Workspace:
    """The repository, its settings and the node it goes to; an embedded node is started when it does not run.

    Raises ``ConfigurationError`` with every problem of the repository before anything is started.
    """
    workspace = Workspace.open(
        session.root(), session.environment(), stage=options.stage, start_node=True, say=console.say
    )
    console.show_warnings(workspace.inventory.warnings)
    for notice in (*workspace.settings.notes, *workspace.inventory.notices):
        console.say(notice)
    return workspace


def make(workspace: Workspace, options: argparse.Namespace) -> Plan:
    """The plan for the containers that were named, or for all."""
    names = arguments.chosen(options, workspace.inventory)
    return plan_builder.build(
        workspace,
        names,
        allow_replace=arguments.known(getattr(options, "allow_replace", ()), workspace.inventory),
        control_plane=CONTROL_PLANE in arguments.named(options),
    )


def show(plan: Plan) -> None:
    """The plan for people, on stdout."""
    plan_view.show(plan, console.out())


def as_json(plan: Plan) -> str:
    """The plan for machines."""
    return plan_file.to_json(plan).rstrip()


def new_run(workspace: Workspace, plan: Plan) -> Path:
    """A directory for a run of this plan, the plan in it; names sort by time, a suffix parts two of one second."""
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    directory = private_directory(workspace.share.runs / f"{moment}-{secrets.token_hex(2)}")
    plan_file.write(directory / PLAN_FILE, plan)
    return directory
