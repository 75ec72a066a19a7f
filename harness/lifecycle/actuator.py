"""The hand that touches one container at PVE: everything is preceded by a look at whose it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from harness.kit.clock import Deadline
from harness.lifecycle import ownership, stamp
from harness.lifecycle.errors import NotOursError, StaleError
from harness.lifecycle.parameters import Resize
from harness.lifecycle.stamp import Stamp
from harness.pve import tasks
from harness.pve.client import Pve
from harness.pve.errors import PveError
from harness.pve.tasks import TaskResult

TASK_SECONDS: Final = 900.0
"""Patience with one PVE task; a template download over a slow line takes longest."""
_STOP_SECONDS: Final = 60
_DIGEST_MISMATCH: Final = "detected modified configuration"

Config = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Actuator:
    """Works on guest ``vmid`` of ``node``, on behalf of ``monorepo``."""

    pve: Pve
    node: str
    vmid: int
    monorepo: str
    say: Callable[[str], None]

    @property
    def _path(self) -> str:
        return f"nodes/{self.node}/lxc/{self.vmid}"

    def config(self) -> Config | None:
        """Its configuration as it runs, or None when there is no such container on the node."""
        return self._config(current=1)

    def _config(self, **params: int) -> Config | None:
        try:
            found: Config = self.pve.get(f"{self._path}/config", **params)
        except PveError as error:
            if error.status == 500 and "does not exist" in error.reason:
                return None
            raise
        return found

    def owned(self, names: frozenset[str]) -> Config:
        """Its configuration, when its stamp says that it is ours and one of ``names``.

        Raises ``NotOursError``.
        """
        config = self.config()
        found = stamp.parse(str((config or {}).get("description", "")))
        if config is None or found is None or found.monorepo != self.monorepo or found.container not in names:
            raise NotOursError(
                f"VMID {self.vmid} on node {self.node} is not ours: {_described(config, found)}",
                hint="nothing was done to it; `./run plan` shows what stands there",
            )
        return config

    def running(self) -> bool:
        """Whether it runs."""
        return str(self.pve.get(f"{self._path}/status/current")["status"]) == "running"

    def settle(self) -> None:
        """Wait for whatever an earlier run left working on it."""
        tasks.wait_for_earlier(self.pve, self.node, self.vmid, self._deadline(), self.say)

    def create(self, parameters: Mapping[str, Any]) -> TaskResult:
        """Make it and wait for that."""
        return self._wait(self.pve.post(f"nodes/{self.node}/lxc", **parameters))

    def write(self, settings: Mapping[str, Any], digest: object, delete: tuple[str, ...] = ()) -> None:
        """Write settings, provided that the configuration is still the one with ``digest``.

        Raises ``StaleError`` when it is not.
        """
        keys = {"delete": ",".join(delete)} if delete else {}
        try:
            self.pve.put(f"{self._path}/config", **settings, **keys, digest=digest)
        except PveError as error:
            if _DIGEST_MISMATCH in error.reason:
                raise StaleError(f"the configuration of {self.vmid} was changed by somebody else meanwhile") from error
            raise

    def resize(self, resize: Resize) -> None:
        """Grow a volume (PVE checks nothing else: a size below the present one is refused)."""
        upid = self.pve.put(f"{self._path}/resize", disk=resize.key, size=resize.size)
        if upid:
            self._wait(upid)

    def pending(self) -> bool:
        """Whether a setting waits for a restart."""
        return self.config() != self._config()

    def start(self) -> None:
        """Start it and wait for that."""
        self.say("starting")
        self._wait(self.pve.post(f"{self._path}/status/start"))

    def stop(self) -> None:
        """Shut it down, hard after a minute."""
        self.say("stopping")
        self._wait(self.pve.post(f"{self._path}/status/shutdown", timeout=_STOP_SECONDS, forceStop=True))

    def destroy(self) -> None:
        """Delete it with its disks. The caller has just looked whose it is."""
        if self.running():
            self.stop()
        self.say("deleting")
        parameters = {"purge": 1, "destroy-unreferenced-disks": 1}
        self._wait(self.pve.delete(self._path, **parameters))

    def _wait(self, upid: str) -> TaskResult:
        return tasks.wait_for(self.pve, upid, self._deadline(), self.say)

    def _deadline(self) -> Deadline:
        return Deadline(TASK_SECONDS, self.pve.clock)


def _described(config: Config | None, found: Stamp | None) -> str:
    if config is None:
        return "nothing stands there"
    name = config.get("hostname", "a container without a name")
    return f"{name}, {ownership.owner(found)}"
