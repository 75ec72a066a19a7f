"""The node: everything that answers calls, put together once."""

from __future__ import annotations

import collections
import itertools
import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from harness.embedded.node import samples, secrets_box, storages
from harness.embedded.node.errors import failure
from harness.embedded.node.expressions import Evaluator
from harness.embedded.node.faults import Plan
from harness.embedded.node.grammar import schema as schemas
from harness.embedded.node.guests import LOCK_SECONDS, Guests
from harness.embedded.node.permissions import ROOT, Permissions
from harness.embedded.node.pools import Pools
from harness.embedded.node.runtime import Bridge, GuestState, Runtime
from harness.embedded.node.store import Store
from harness.embedded.node.tasks import Tasks
from harness.kit.clock import Clock, SystemClock


@dataclass(frozen=True)
class Options:
    """What is chosen when a node is started.

    ``login_delay`` is how many seconds a refused sign-in takes (three on a real node). ``storages`` replaces the
    default storages; ``templates`` are file names that are fetched to the first storage for templates at start.
    Uploaded files lie below ``root``; without one only their names and sizes are kept.
    ``control_key`` opens the control paths, which are closed without one.
    """

    name: str = "pve"
    release: str = "9.2"
    bridges: Sequence[Bridge] = ()
    login_delay: float = 3.0
    lock_seconds: float = LOCK_SECONDS
    storages: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: storages.DEFAULTS)
    templates: Sequence[str] = ()
    root: Path | None = None
    control_key: str = ""
    certificate: Path | None = None


class Machine(Protocol):
    """What serves a node, as far as the node can be made to ask for it."""

    def reboot(self, seconds: float) -> None:
        """Be away for that long."""

    def change_certificate(self) -> str:
        """Make and serve a new certificate; returns its fingerprint."""


class Node:
    """The state of one node, and what stands behind it."""

    def __init__(self, runtime: Runtime, store: Store, options: Options, password: str, fingerprint: str = "") -> None:
        self.options = options
        self.name = options.name
        self.release = options.release
        self.runtime = runtime
        self.store = store
        self.fingerprint = fingerprint
        self.control_key = options.control_key
        self.faults = Plan()
        self.machine: Machine | None = None
        self.schema = schemas.load(options.release)
        self.guests = Guests(self.name, store, options.lock_seconds, self.faults)
        self.storages = storages.Storages(store, options.storages, self.faults)
        self.pools = Pools(store)
        self.permissions = Permissions(store, options.release, self.pools.of_path, self.faults)
        self.evaluator = Evaluator(self.permissions, store.table("user"))
        self.sealer = secrets_box.Sealer(_ticket_key(store))
        self.events = Events(self.name)
        self.tasks = Tasks(self.name, store, self.faults)
        self.stopping = threading.Event()
        self.clock: Clock = SystemClock()
        self.samples = samples.Samples(runtime, self.storages, self.guests, self.stopping)
        self._prepare_root(password)

    def _prepare_root(self, password: str) -> None:
        users = self.store.table("user")
        if ROOT not in users:
            users.put(ROOT, {"enable": 1, "expire": 0, "email": "root@example.com"})
        stored = self.store.table("password").get(ROOT)
        if stored is None or not secrets_box.password_fits(password, stored["hash"]):
            self.store.table("password").put(ROOT, {"hash": secrets_box.hash_password(password)})

    def reboot(self, seconds: float) -> None:
        """Be away for ``seconds``, as a host that reboots is: containers stop, running tasks are cut off."""
        if self.machine is None:
            raise failure("nothing serves this node that could be away")
        self.machine.reboot(seconds)

    def change_certificate(self) -> None:
        """Serve with a new certificate from now on."""
        if self.machine is None:
            raise failure("nothing serves this node with a certificate")
        self.fingerprint = self.machine.change_certificate()

    def expire_tickets(self) -> None:
        """Make every ticket and CSRF token worthless at once."""
        self.store.table("secret").delete("ticket-key")
        self.sealer.rekey(_ticket_key(self.store))

    def state(self, vmid: int) -> GuestState:
        """What a container is doing."""
        return self.runtime.state(vmid)

    def is_running(self, vmid: int) -> bool:
        """Whether a container runs."""
        return self.runtime.state(vmid).running


def _ticket_key(store: Store) -> bytes:
    table = store.table("secret")
    record = table.get("ticket-key")
    if record is None:
        record = {"hex": secrets.token_hex(32)}
        table.put("ticket-key", record)
    return bytes.fromhex(record["hex"])


class Events:
    """The last lines of the cluster log."""

    def __init__(self, node: str) -> None:
        self._node = node
        self._numbers = itertools.count(1)
        self._lines: collections.deque[dict[str, Any]] = collections.deque(maxlen=1000)

    def note(self, message: str, user: str = ROOT, tag: str = "pvedaemon") -> None:
        """Add a line."""
        number = next(self._numbers)
        line = {"id": f"{number}:{self._node}", "uid": str(number), "msg": message, "node": self._node, "user": user}
        self._lines.append({**line, "pid": 1, "pri": 6, "tag": tag, "time": int(time.time())})

    def newest(self, count: int) -> list[dict[str, Any]]:
        """The newest lines first."""
        return list(itertools.islice(reversed(self._lines), count))


def state_file(directory: Path | None) -> Path | None:
    """Where the database lies below a state directory."""
    return directory / "node.sqlite" if directory else None
