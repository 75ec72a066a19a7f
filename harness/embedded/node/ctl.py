"""What only the node's owner may do, from the command line: ``python -m harness.embedded.node.ctl --state DIR …``."""

from __future__ import annotations

import argparse
import http.client
import json
import ssl
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.embedded.node import control, node_file
from harness.kit.errors import HarnessError, UnreachableError, UsageError

_SECONDS = 30


def ask(state: Path, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """Status and JSON of one request to a control path; raises ``UnreachableError`` when no node runs there."""
    try:
        facts = json.loads((state / node_file.NAME).read_text())
        key = (state / control.KEY_FILE).read_text().strip()
        connection = http.client.HTTPSConnection(
            "127.0.0.1", facts["port"], timeout=_SECONDS, context=_context(state / "certificate.pem")
        )
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        connection.request(method, f"/embedded{path}", json.dumps(body or {}), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    except (OSError, ValueError) as error:
        raise UnreachableError(
            f"no node answers for {state}: {error}", hint="start one, or name its --state"
        ) from error


def _context(certificate: Path) -> ssl.SSLContext:
    """The node's own certificate is the only one that is trusted."""
    context = ssl.create_default_context(cafile=str(certificate))
    context.check_hostname = False  # the certificate is pinned; it may name another address of the node
    return context


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    arguments = parser().parse_args(argv)
    try:
        status, answer = ask(arguments.state, *_request(arguments))
    except HarnessError as error:
        sys.stderr.write(f"{error}\n")
        return int(error.exit_code)
    stream = sys.stdout if status == 200 else sys.stderr
    stream.write(json.dumps(answer, indent=1) + "\n")
    return 0 if status == 200 else 1


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(prog="python -m harness.embedded.node.ctl", description=__doc__)
    found.add_argument("--state", type=Path, required=True, help="the node's state directory")
    commands = found.add_subparsers(dest="command", required=True)
    commands.add_parser("health", help="that the node answers, and how much it has to do")
    commands.add_parser("unlock", help="take the lock off a container").add_argument("vmid", type=int)
    faults = commands.add_parser("faults", help="show the fault plan; --set FILE replaces it, --clear ends it")
    choice = faults.add_mutually_exclusive_group()
    choice.add_argument("--set", type=Path, metavar="FILE", help="a plan (TOML or JSON)")
    choice.add_argument("--clear", action="store_true", help="no faults any more")
    return found


def _request(arguments: argparse.Namespace) -> tuple[str, str, Any]:
    if arguments.command == "unlock":
        return "POST", f"/unlock/{arguments.vmid}", None
    if arguments.command == "health":
        return "GET", "/health", None
    if arguments.set:
        return "PUT", "/faults", load_plan(arguments.set)
    return ("DELETE" if arguments.clear else "GET"), "/faults", None


def load_plan(path: Path) -> Any:
    """A fault plan from a file; raises ``UsageError`` when it cannot be read."""
    try:
        text = path.read_text()
        return json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: {error}") from error


if __name__ == "__main__":
    sys.exit(main())
