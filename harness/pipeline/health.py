"""``health``: how every container and its service is, told in the description of its repository."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from harness.inventory.model import Container
from harness.kit.errors import ExitCode, HarnessError
from harness.lifecycle.observe import RUNNING, Observation, Seen, observe
from harness.lifecycle.workspace import Workspace
from harness.pipeline import containers, inside, publish
from harness.pipeline.door import Office
from harness.pipeline.publish import News

_SECONDS: Final = 20.0
_FINE: Final = ("active", "not deployed")


@dataclass(frozen=True, slots=True)
class Health:
    """One container. ``state``: systemd's word for its unit, else what stands in the way of asking."""

    container: Container
    state: str

    @property
    def line(self) -> str:
        """``[active] 111 (10.143.0.11)``."""
        return f"[{self.state}] {self.container.vmid} ({self.container.address.ip})"

    @property
    def fine(self) -> bool:
        """Whether there is nothing to look after."""
        return self.state in _FINE


def report(office: Office) -> int:
    """Ask, and tell. Exit code 1: something is not as it should be."""
    workspace = office.workspace()
    try:
        found = examine(workspace)
        for one in found:
            office.say(f"{one.container.name}: {one.line}")
            office.voice.describe(containers.repository(one.container), one.line)
        units = {one.container.name: one.state for one in found}
        publish.containers(office, workspace, News(units=units))
    finally:
        workspace.close()
    return ExitCode.OK if all(one.fine for one in found) else ExitCode.FAILED


def examine(workspace: Workspace) -> list[Health]:
    """Every container of the inventory, from one look at PVE and one question to each that runs."""
    observation = observe(workspace.pve, workspace.inventory)
    return [Health(one, _state(workspace, one, observation)) for one in workspace.inventory.containers]


def _state(workspace: Workspace, container: Container, observation: Observation) -> str:
    seen = observation.guests.get(container.vmid)
    known = _standing(workspace, container, seen)
    return known if known is not None else unit(workspace, container)


def _standing(workspace: Workspace, container: Container, seen: Seen | None) -> str | None:
    """What PVE alone can tell; None for a running container of ours."""
    if seen is None:
        return "not deployed"
    stamp = seen.stamp
    if stamp is None or stamp.monorepo != workspace.monorepo or stamp.container != container.name:
        return "not ours"
    return None if seen.status == RUNNING else seen.status


def unit(workspace: Workspace, container: Container) -> str:
    """What systemd says of the unit named like the container; a library without one is judged by the whole system."""
    asked = f"systemctl is-active {container.name}.service 2>/dev/null || true; systemctl is-system-running || true"
    loaded = f"systemctl show -p LoadState --value {container.name}.service"
    try:
        done = inside.connect(workspace, container).run(f"{loaded}; {asked}", timeout=_SECONDS)
    except HarnessError:
        return "unreachable"
    words = [*done.text.split(), "", "", ""][:3]
    if words[0] == "loaded":
        return words[1]
    return "active" if words[2] in ("running", "degraded", "starting") else words[2] or "unknown"
