"""Recorded answers of a real Proxmox VE 9.2, chain by chain, asked again of an embedded node without containers.

Each file of ``recorded/`` is one chain; all are played on one node, in their order. What does not come out exact must
be listed in ``recorded/not-exact.txt`` with the reason, and what is listed must not come out exact. ``./run
conformance`` prints the share; with ``CONFORMANCE_REPORT`` set the results are written there.

With ``PVE_URL`` and its companions (``hosts.py``) the chains are played on that node, on containers of its range; what
would touch more than the suite's own things is left out, or its chain is skipped with what would un-skip it.
"""

from __future__ import annotations

import http.server
import json
import os
import ssl
import threading
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Interface
from pathlib import Path
from typing import Any

import pytest

from harness.embedded.node import fixture, storages
from harness.embedded.node.memory_runtime import MemoryRuntime
from harness.embedded.node.runtime import Bridge
from tests.contract.pve import selection
from tests.contract.pve.hosts import Host, from_environment
from tests.contract.pve.names import Names
from tests.contract.pve.player import Player

RECORDED = Path(__file__).parent / "recorded"
_SERVED = b"T" * 5000
SLOW = 0.8  # seconds a creation takes where a chain looks at one that is under way


def not_exact() -> dict[str, str]:
    """Identifier and reason of each recording that is known not to come out exact."""
    lines = (RECORDED / "not-exact.txt").read_text().splitlines()
    pairs = (line.partition(": ") for line in lines if line and not line.startswith("#"))
    return {name: reason for name, _, reason in pairs}


class _Files(http.server.BaseHTTPRequestHandler):
    """Serves the same 5000 bytes under every name."""

    def do_GET(self) -> None:
        found = "missing" not in self.path
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(_SERVED) if found else 0))
        self.send_header("Content-Type", "application/zstd")
        self.end_headers()
        if found and self.command == "GET":
            self.wfile.write(_SERVED)

    do_HEAD = do_GET  # noqa: N815 - the name that the base class calls

    def log_message(self, *_: Any) -> None:
        """Nothing to say."""


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Files)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def options_of_the_recording(root: Path) -> Any:
    settings = tomllib.loads((RECORDED / "node.toml").read_text())
    configured = {**storages.DEFAULTS, **settings["storage"]}
    return replace(
        fixture.QUICK,
        bridges=(Bridge("vmbr0", IPv4Interface("192.0.2.10/24")),),
        storages={name: found for name, found in configured.items() if not found.get("remove")},
        templates=tuple(settings["templates"]),
        root=root,
    )


@dataclass(frozen=True)
class Stage:
    """The node that all chains are played on, one after another, and who plays."""

    player: Player
    runtime: MemoryRuntime
    host: Host | None = None

    def lines(self, file: Path) -> list[dict[str, Any]]:
        """What of a chain may be played here; skips the test when that is nothing."""
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        if self.host is None:
            return lines
        kept, reason = selection.chosen(lines, self.host.may)
        if reason:
            pytest.skip(reason)
        return [dict(line) for line in kept]


@pytest.fixture(scope="module")
def stage(web: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    runtime = MemoryRuntime()
    host = from_environment(os.environ)
    if host is not None:
        player = Player(host.url, host.password, host.context, host.unlock, web, Names(host), patience=0.3)
        yield Stage(player, runtime, host)
        player.clean()
        return
    options = options_of_the_recording(tmp_path_factory.mktemp("node"))
    with fixture.serve(runtime, options=options, password="Passw0rd!") as served:
        context = ssl.create_default_context(cafile=str(served.certificate))

        def unlock(vmid: int) -> None:
            guest = served.node.guests.find(vmid)
            if guest:
                served.node.guests.end(guest)

        yield Stage(Player(served.url, "Passw0rd!", context, unlock, web), runtime)


@pytest.mark.parametrize("file", sorted(RECORDED.glob("*.jsonl")), ids=lambda file: file.stem)
def test_a_chain_is_answered_as_recorded(file: Path, stage: Stage) -> None:
    lines = stage.lines(file)
    stage.player.clean()
    stage.runtime.seconds = SLOW if any(line.get("running") for line in lines) else 0.0
    results = dict(stage.player.play(lines))
    _report(file.stem, results, lines)
    known = not_exact()
    wrong = {name: text for name, text in results.items() if text and name not in known}
    assert wrong == {}
    assert [name for name, text in results.items() if not text and name in known] == []


def _report(chain: str, results: dict[str, str], lines: list[dict[str, Any]]) -> None:
    folder = os.environ.get("CONFORMANCE_REPORT")
    if folder:
        groups = {line["id"]: line.get("group", "") for line in lines if "id" in line}
        items = [{"id": name, "group": groups[name], "difference": text} for name, text in results.items()]
        Path(folder, f"{chain}.json").write_text(json.dumps(items))
