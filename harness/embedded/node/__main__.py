"""The node as a program: ``python -m harness.embedded.node --state DIR``."""

from __future__ import annotations

import argparse
import logging
import secrets
import signal
import sys
import threading
import tomllib
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Interface
from pathlib import Path
from typing import Any

from harness.embedded.node import certificates, control, ctl, node_file, recovery, service, storages
from harness.embedded.node.access_log import AccessLog
from harness.embedded.node.grammar.schema import RELEASES
from harness.embedded.node.memory_runtime import MemoryRuntime
from harness.embedded.node.node import Node, Options, state_file
from harness.embedded.node.runtime import Bridge, Runtime
from harness.embedded.node.store import Store
from harness.kit import files
from harness.kit.errors import HarnessError

_CREATE_SECONDS = 1.0
_EPILOG = """\
A configuration file (TOML) may hold: login_delay (seconds), templates (file names fetched at start), and
[storage.NAME] tables with type, path and content; remove = true takes a default storage away.
The node writes its address and fingerprint to node.json, root@pam's password to password (mode 0600)."""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(
        prog="python -m harness.embedded.node",
        description="A Proxmox VE API in front of systemd containers in Docker, or in front of nothing.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    found.add_argument("--state", type=Path, required=True, help="directory of everything the node keeps")
    found.add_argument("--port", type=int, default=8006, help="port of the API, 0 for a free one (default: 8006)")
    found.add_argument("--node", default="pve", help="the node's name in the API (default: pve)")
    found.add_argument("--name", default="gitops", help="prefix of everything made in Docker (default: gitops)")
    found.add_argument("--bridge", type=_bridge, action="append", help="NAME=ADDRESS/PREFIX of a bridge (repeatable)")
    found.add_argument("--pve-version", choices=RELEASES, default=RELEASES[0], help="release to speak as")
    found.add_argument(
        "--runtime", choices=("docker", "memory"), default="docker", help="what stands behind containers"
    )
    found.add_argument("--listen", action="append", help="address to listen on instead of loopback and the bridges'")
    found.add_argument("--ca-bundle", type=Path, help="certificates that containers must trust besides Debian's")
    found.add_argument("--access-log", metavar="FILE", help="one line of JSON for each request; - is standard output")
    found.add_argument("--faults", type=Path, metavar="FILE", help="a fault plan (TOML or JSON) to start with")
    found.add_argument("--config", type=Path, help="configuration file (TOML)")
    found.add_argument(
        "--log-level", default="INFO", choices=("DEBUG", "INFO", "WARNING"), help="of the node's own log"
    )
    return found


def _bridge(text: str) -> Bridge:
    name, _, address = text.partition("=")
    try:
        return Bridge(name, IPv4Interface(address))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text}: not NAME=ADDRESS/PREFIX, such as vmbr0=10.143.0.1/24") from None


def main(argv: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; returns the exit code."""
    arguments = parser().parse_args(argv)
    logging.basicConfig(level=arguments.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        running = build(arguments)
        listening = running.start()
    except (HarnessError, OSError, ValueError) as error:
        logging.getLogger(__name__).error("%s", error)
        return 3
    node_file.write(arguments.state, running.node, listening)
    logging.getLogger(__name__).info("ready on port %s of %s", listening.port, ", ".join(listening.addresses))
    recovery.start_on_boot(running.node)
    _wait_for_signal()
    running.stop()
    node_file.remove(arguments.state)
    return 0


def build(arguments: argparse.Namespace) -> service.Service:
    """A service from the command line; makes state directory, certificate and password."""
    state: Path = files.private_directory(arguments.state)
    options = _options(arguments)
    addresses = arguments.listen or _addresses(arguments, options)
    certificate, key = state / "certificate.pem", state / "key.pem"
    print_ = certificates.ensure(certificate, key, options.name, [a for a in addresses if a != "0.0.0.0"])  # noqa: S104
    runtime = _runtime(arguments, state)
    node = Node(runtime, Store(state_file(state)), options, _password(state), print_)
    if arguments.faults:
        node.faults.set(ctl.load_plan(arguments.faults))
    log = _access_log(arguments.access_log)
    return service.Service(node, addresses, arguments.port, service.tls_context(certificate, key), log)


def _addresses(arguments: argparse.Namespace, options: Options) -> list[str]:
    """Loopback, and the gateways of the bridges: those of a node with nothing behind it exist on paper only."""
    gateways = () if arguments.runtime == "memory" else options.bridges
    return ["127.0.0.1", *(str(bridge.address.ip) for bridge in gateways)]


def _access_log(name: str | None) -> AccessLog | None:
    if name is None:
        return None
    return AccessLog(sys.stdout if name == "-" else Path(name).open("a", encoding="utf-8"))


def _options(arguments: argparse.Namespace) -> Options:
    settings: Mapping[str, Any] = tomllib.loads(arguments.config.read_text()) if arguments.config else {}
    configured = {name: dict(found) for name, found in storages.DEFAULTS.items()}
    for name, changes in settings.get("storage", {}).items():
        configured[name] = {**configured.get(name, {}), **changes}
    return Options(
        name=arguments.node,
        release=arguments.pve_version,
        bridges=tuple(arguments.bridge or ()),
        login_delay=float(settings.get("login_delay", Options.login_delay)),
        storages={name: found for name, found in configured.items() if not found.pop("remove", False)},
        templates=tuple(settings.get("templates", ())),
        root=arguments.state.resolve() / "files",
        control_key=control.ensure_key(arguments.state),
        certificate=arguments.state.resolve() / "certificate.pem",
    )


def _runtime(arguments: argparse.Namespace, state: Path) -> Runtime:
    if arguments.runtime == "memory":
        return MemoryRuntime(_CREATE_SECONDS)
    # Imported here: a node without containers needs neither the Docker library nor its memory.
    from harness.embedded.engine import client  # noqa: PLC0415
    from harness.embedded.node import docker_runtime  # noqa: PLC0415

    return docker_runtime.DockerRuntime(state, arguments.name, client.connect(), ca_bundle=arguments.ca_bundle)


def _password(state: Path) -> str:
    path = state / "password"
    if not path.exists():
        files.write_atomic(path, secrets.token_urlsafe(18) + "\n", mode=0o600)
    return path.read_text().strip()


def _wait_for_signal() -> None:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    stop.wait()


if __name__ == "__main__":
    sys.exit(main())
