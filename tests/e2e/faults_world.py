"""Whole deploys without Docker: a node in this process whose containers do what a test wants, a repository on it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import IPv4Interface
from pathlib import Path
from typing import Any

from harness.embedded.node import fixture
from harness.embedded.node.fixture import Served
from harness.embedded.node.memory_runtime import MemoryRuntime
from harness.embedded.node.runtime import Bridge, GuestError, GuestSpec, Log
from tests.e2e.world import World, wait_until

HERE = Path(__file__).parent
RECIPE = "file '/etc/probe' do\n  content 'one'\nend\n"
SPECS = "def test_it_is_there(container):\n    assert container.name\n"
FIRST, SECOND = 151, 152
ENGINE_GONE = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"
OPTIONS = replace(fixture.QUICK, bridges=(Bridge("vmbr0", IPv4Interface("10.187.50.1/24")),))
_HELD_SECONDS = 120.0


class Stage(MemoryRuntime):
    """A runtime that a test directs: creating ``held`` waits for ``let_go``, creating ``spoilt`` fails.

    While ``engine_gone`` all work fails; ``engine_goes_at`` makes it so when that container is about to be made.
    """

    def __init__(self) -> None:
        super().__init__()
        self.held: set[int] = set()
        self.spoilt: dict[int, str] = {}
        self.engine_goes_at: int | None = None
        self.let_go = threading.Event()
        self.begun = threading.Event()
        self.engine_gone = False
        self.made: list[int] = []

    def create(self, spec: GuestSpec, log: Log) -> None:
        """As its name says."""
        self.engine_gone = self.engine_gone or spec.vmid == self.engine_goes_at
        self._engine()
        if spec.vmid in self.spoilt:
            log("unpacking had come half way")
            raise GuestError(self.spoilt[spec.vmid])
        if spec.vmid in self.held:
            self.begun.set()
            assert self.let_go.wait(_HELD_SECONDS), "nobody let the task go on"
        super().create(spec, log)
        self.made.append(spec.vmid)

    def start(self, vmid: int, log: Log) -> None:
        """As its name says."""
        self._engine()
        super().start(vmid, log)

    def delete(self, vmid: int) -> None:
        """As its name says."""
        self._engine()
        super().delete(vmid)

    def _engine(self) -> None:
        if self.engine_gone:
            raise GuestError(ENGINE_GONE)


class FaultsWorld(World):
    """Two containers, *first* and *second*, on ``host``."""

    def __init__(self, directory: Path, host: Served, runtime: Stage) -> None:
        super().__init__(directory, "e2e-faults", 50)
        self.host, self.runtime = host, runtime
        with (self.root / "conftest.py").open("a") as conftest:
            conftest.write((HERE / "faults_conftest.py").read_text().replace("from __future__ import annotations", ""))
        self.library("first", 51, RECIPE, SPECS)
        self.library("second", 52, RECIPE, SPECS)
        self.point()

    def point(self, **changes: Any) -> None:
        """``local/config.json`` for the host, changed."""
        host = self.host
        where = {"host": host.host, "port": host.port, "fingerprint": host.fingerprint}
        self.settings({"proxmox": {**where, "password": host.password.reveal(), **changes}})

    def direct(self, **words: str) -> None:
        """Directions for what plays inside (see ``faults_conftest``), in place of the earlier ones."""
        play = self.root / "local" / "play"
        play.mkdir(exist_ok=True)
        for path in play.iterdir():
            path.unlink()
        for name, text in words.items():
            (play / name).write_text(text)

    def fault(self, *faults: Mapping[str, Any]) -> None:
        """The host's fault plan, in place of the earlier one."""
        self.host.node.faults.set({"fault": list(faults)})

    def struck(self, number: int = 0) -> int:
        """How often a fault of the plan has struck."""
        return int(self.host.node.faults.shown()[number]["struck"])

    def wait_struck(self, number: int = 0) -> None:
        """Until it has."""
        wait_until(lambda: self.struck(number), 60, "the fault")

    def fails(self, code: int, *words: str, path: str = "") -> str:
        """The output of a command that must end with ``code``, in words for people."""
        found, output = self.run(*words, path=path)
        assert found == code, f"{words} ended with {found}\n{output}"
        assert "Traceback" not in output, output
        assert "INTERNALERROR" not in output
        return output

    def mended(self) -> None:
        """The next run brings everything to its end, and the one after finds nothing to do."""
        self.fault()
        self.direct()
        self.succeed("deploy")
        assert self.actions() == {"first": "unchanged", "second": "unchanged"}


@contextmanager
def faults_world(path: Path) -> Iterator[FaultsWorld]:
    """The node and the repository."""
    runtime = Stage()
    with fixture.serve(runtime, options=OPTIONS) as host:
        try:
            yield FaultsWorld(path, host, runtime)
        finally:
            runtime.let_go.set()
