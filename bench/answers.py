"""The embedded node with nothing behind it: how fast it answers with 1,000 containers, what it holds, and whether it
stays as it is under 10,000 mixed requests from 16 clients."""

from __future__ import annotations

import http.client
import json
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from bench.measure import Figure, median
from harness.embedded.node import fixture
from harness.kit.clock import Deadline, wait_until

CONTAINERS, REQUESTS, CLIENTS = 1000, 10_000, 16
_FIRST, _PATIENCE = 1000, 300.0
_TEMPLATE = "debian-13-standard_13.1-2_amd64.tar.zst"
_KIB_PER_MIB = 1024
# What PVE itself says with status 500 to the requests that are made here.
_EXPECTED = ("does not exist", "already running", "not running", "no options specified", "CT is locked", "got timeout")


@dataclass
class Client:
    """A kept connection of root@pam."""

    state: Path

    def __post_init__(self) -> None:
        trust = ssl.create_default_context(cafile=str(self.state / "certificate.pem"))
        port = json.loads((self.state / "node.json").read_text())["port"]
        self._link = http.client.HTTPSConnection("127.0.0.1", port, timeout=60, context=trust)
        self._headers: dict[str, str] = {}
        form = {"username": "root@pam", "password": (self.state / "password").read_text().strip()}
        data = json.loads(self.ask("POST", "/access/ticket", form)[2])["data"]
        cookie = f"PVEAuthCookie={quote(data['ticket'], safe='')}"
        self._headers = {"Cookie": cookie, "CSRFPreventionToken": data["CSRFPreventionToken"]}

    def ask(self, method: str, path: str, params: Mapping[str, Any] | None = None) -> tuple[int, str, bytes]:
        """Status, reason and body of one request, read whole."""
        encoded, target = urlencode(params or {}), f"/api2/json{path}"
        if method == "GET":
            self._link.request(method, f"{target}?{encoded}", headers=self._headers)
        else:
            form = {**self._headers, "Content-Type": "application/x-www-form-urlencoded"}
            self._link.request(method, target, encoded, form)
        got = self._link.getresponse()
        return got.status, got.reason, got.read()


@contextmanager
def _node(state: Path) -> Iterator[int]:
    """A node without containers in a process of its own; its process number."""
    state.mkdir(parents=True)
    (state / "node.toml").write_text(f'templates = ["{_TEMPLATE}"]\n')
    command = [sys.executable, "-m", "harness.embedded.node", "--state", str(state), "--runtime", "memory"]
    running = subprocess.Popen(
        [*command, "--port", "0", "--config", str(state / "node.toml"), "--log-level", "WARNING"]
    )
    try:
        wait_until((state / "node.json").exists, Deadline(_PATIENCE), "the node answers")
        yield running.pid
    finally:
        running.terminate()
        running.wait(30)


def measure(directory: Path) -> Iterator[Figure]:
    """Figures of a node of its own."""
    yield _start()
    with _node(directory / "node") as pid:
        client = Client(directory / "node")
        _fill(client)
        took = median(lambda: client.ask("GET", "/cluster/resources"), 30) * 1000
        yield Figure(
            "GET /cluster/resources, 1,000 containers", took, "ms", limit=30.0, note="median of 30, whole request"
        )
        yield Figure("resident memory, 1,000 containers", _resident_mib(pid), "MB", limit=150.0)
        took = median(lambda: client.ask("POST", "/nodes/pve/lxc", {"vmid": "x", "net0": "y"}), 100) * 1000
        yield Figure("validation error", took, "ms", limit=5.0, note="median of 100, whole request")
        yield from _mixed(directory / "node", pid)


def _start() -> Figure:
    def start() -> None:
        with fixture.serve():
            pass

    return Figure(
        "a node in this process, from call to call", median(start, 9) * 1000, "ms", limit=200.0, note="median of 9"
    )


def _fill(client: Client) -> None:
    ostemplate = f"local:vztmpl/{_TEMPLATE}"
    for vmid in range(_FIRST, _FIRST + CONTAINERS):
        made = {"vmid": vmid, "ostemplate": ostemplate, "rootfs": "local-lvm:1", "hostname": f"c{vmid}", "memory": 64}
        client.ask("POST", "/nodes/pve/lxc", made)
    wait_until(lambda: _finished(client) == CONTAINERS, Deadline(_PATIENCE), "the end of the tasks", longest_pause=0.1)


def _finished(client: Client) -> int:
    tasks = client.ask("GET", "/nodes/pve/tasks", {"typefilter": "vzcreate", "source": "archive", "limit": 5000})
    return sum(task.get("status") in ("OK", "WARNINGS: 1") for task in json.loads(tasks[2])["data"])


def _mixed(state: Path, pid: int) -> Iterator[Figure]:
    """Requests of all sorts at once: the first rounds fill what is bounded (task logs), the last must add nothing."""
    for _ in range(2):
        _round(state, REQUESTS)
    before = _resident_mib(pid)
    started = time.perf_counter()
    odd = _round(state, REQUESTS)
    took = time.perf_counter() - started
    note = f"{REQUESTS} requests from {CLIENTS} clients"
    yield Figure("server errors that PVE would not give", sum(odd.values()), "", limit=0.0, note=note)
    yield Figure("memory added by the last round", max(0.0, _resident_mib(pid) - before), "MB", limit=8.0, note=note)
    yield Figure("mixed requests in a second", REQUESTS / took, "1/s", note=note)


def _round(state: Path, count: int) -> Counter[str]:
    """Make so many requests; the texts of answers that are no answers of PVE's."""
    odd: Counter[str] = Counter()
    threads = [threading.Thread(target=_client, args=(state, n, count // CLIENTS, odd)) for n in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return odd


def _client(state: Path, number: int, count: int, odd: Counter[str]) -> None:
    client = Client(state)
    for turn in range(count):
        status, reason, _ = client.ask(*_request(number, turn))
        if status >= 500 and not any(text in reason for text in _EXPECTED):
            odd[f"{status} {reason}"] += 1


def _request(number: int, turn: int) -> tuple[str, str, dict[str, Any]]:
    """The request of a client's turn: mostly questions, some changes, some mistakes."""
    path = f"/nodes/pve/lxc/{_FIRST + number * 61 + turn % 60}"
    kinds: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("GET", f"{path}/config", {}),
        ("GET", f"{path}/status/current", {}),
        ("GET", "/version", {}),
        ("PUT", f"{path}/config", {"description": f"turn {turn % 7}"}),
        ("GET", "/nodes/pve/tasks", {"limit": 20}),
        ("GET", "/nodes/pve/lxc/999999/config", {}),
        ("PUT", f"{path}/config", {"memory": "x"}),
        ("POST", f"{path}/status/{'stop' if turn % 20 >= 10 else 'start'}", {}),
        ("GET", f"{path}/pending", {}),
        ("GET", "/nodes/pve/storage", {}),
    )
    return kinds[turn % len(kinds)]


def _resident_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / _KIB_PER_MIB
