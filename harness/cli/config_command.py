"""``config``: check all configuration and say where each value comes from. Touches nothing."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from harness.cli import arguments, console, session
from harness.config.settings import Settings
from harness.config.settings_file import load_settings
from harness.config.share import Share
from harness.embedded.engine.networks import host_network_facts
from harness.inventory import explain
from harness.inventory.load import load_inventory
from harness.inventory.model import Container, Inventory
from harness.inventory.network import NetworkFacts
from harness.kit.errors import ConfigurationError, ExitCode, Problem

EXPLAINED = ("key", "value", "from")
OVERVIEW = ("container", "id", "hostname", "address", "node", "needs")


def add_parser(subparsers: arguments.Subparsers) -> argparse.ArgumentParser:
    """``config [--explain] [--json] [--stage NAME] [container …]``."""
    parser = arguments.command(subparsers, "config", "Check the configuration and show where each value comes from.")
    arguments.add_containers(parser)
    arguments.add_stage(parser)
    parser.add_argument("--explain", action="store_true", help="every effective value with its file and line")
    parser.add_argument("--json", action="store_true", help="the same for machines")
    return parser


def run(options: argparse.Namespace) -> int:
    """Exit code 0: the configuration holds; 2: it does not."""
    try:
        settings, inventory = _load(session.root(), session.environment(), options.stage)
    except ConfigurationError as error:
        if not options.json:
            raise
        _print_json({"problems": [_problem(problem) for problem in error.problems]})
        return error.exit_code
    chosen = [inventory[name] for name in arguments.chosen(options, inventory)]
    if options.json:
        _print_json(_as_data(settings, inventory, chosen))
        return ExitCode.OK
    console.show_warnings(inventory.warnings)
    for notice in (*settings.notes, *inventory.notices):
        console.say(notice)
    if options.explain:
        _explain(settings, chosen, named=bool(options.containers))
    else:
        console.show_table(OVERVIEW, (_overview(container) for container in chosen))
    return ExitCode.OK


def _load(root: Path, environ: Mapping[str, str], stage: str | None) -> tuple[Settings, Inventory]:
    """Settings and inventory as a run would see them: on an embedded node, with its network resolved."""
    settings = load_settings(root, environ)
    facts = None
    if settings.embedded_target:
        facts = NetworkFacts(*host_network_facts(settings.embedded.name))
    remembered = Share.for_target(root, settings, environ).networks()
    return settings, load_inventory(root, settings, stage=stage, network_facts=facts, remembered=remembered)


def _explain(settings: Settings, chosen: Iterable[Container], *, named: bool) -> None:
    """A table for each container, and one of the settings unless containers were named."""
    for container in chosen:
        console.show(f"{container.name}  ({container.vmid})", "bold")
        _show_lines(explain.container(container, settings))
    if not named:
        console.show(f"settings  ({settings.file or 'no local/config.json: defaults, and the embedded node'})", "bold")
        _show_lines(explain.settings(settings))


def _show_lines(lines: Iterable[explain.Line]) -> None:
    console.show_table(EXPLAINED, ((line.key, line.shown, str(line.origin)) for line in lines))
    console.show("")


def _overview(container: Container) -> tuple[str, ...]:
    address = str(container.address)
    if container.address != container.declared_address:
        address = f"{container.declared_address} → {address}"
    return (
        container.name,
        str(container.vmid),
        container.hostname,
        address,
        container.node,
        ", ".join(container.needs),
    )


def _as_data(settings: Settings, inventory: Inventory, chosen: Iterable[Container]) -> dict[str, Any]:
    return {
        "target": settings.target,
        "settings": {line.key: line.as_data() for line in explain.settings(settings)},
        "containers": {
            container.name: {line.key: line.as_data() for line in explain.container(container, settings)}
            for container in chosen
        },
        "warnings": [_problem(problem) for problem in inventory.warnings],
        "notices": [*settings.notes, *inventory.notices],
    }


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "severity": problem.severity.value,
        "file": str(problem.file) if problem.file else None,
        "line": problem.line,
        "found": problem.found,
        "rule": problem.rule,
        "hint": problem.hint,
    }


def _print_json(data: Mapping[str, Any]) -> None:
    console.show(json.dumps(data, indent=2, ensure_ascii=False))
