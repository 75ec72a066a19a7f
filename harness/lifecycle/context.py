"""What a stage works with: one container, its part of the plan, and the way to PVE and into the container."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from harness.inventory.model import Container
from harness.kit.clock import Deadline
from harness.kit.secret import redact
from harness.lifecycle import hostkeys, stamp
from harness.lifecycle.actuator import Actuator, Config
from harness.lifecycle.errors import StaleError
from harness.lifecycle.evidence import Evidence
from harness.lifecycle.plan import Action, ContainerPlan
from harness.lifecycle.revision import Revision
from harness.lifecycle.stamp import Stamp
from harness.lifecycle.workspace import Say, Workspace
from harness.remote import keys
from harness.remote.connection import Connection
from harness.remote.errors import LoginRefused

ROOT: Final = "root"
ADMIN: Final = "config"
"""The login that the base role makes; before it there is root's."""
_MAKES: Final = frozenset({Action.CREATE, Action.REPLACE})
_SSH_SECONDS: Final = 120.0
_LOG_LINES: Final = 200


@dataclass
class StageContext:
    """One container during one run, in one process."""

    container: Container
    entry: ContainerPlan
    workspace: Workspace
    say: Say = lambda _line: None
    lines: list[str] = field(default_factory=list)

    @cached_property
    def actuator(self) -> Actuator:
        """The hand at PVE, where the plan saw (or wants) the container."""
        return self.at(self.entry.node, self.container.vmid)

    def at(self, node: str, vmid: int) -> Actuator:
        """The hand at another place."""
        return Actuator(self.workspace.pve, node, vmid, self.workspace.monorepo, self.note)

    @property
    def names(self) -> frozenset[str]:
        """What the stamp of a container may call it that we may touch."""
        return frozenset({self.container.name})

    @cached_property
    def revision(self) -> Revision:
        """The revision as the files are when first asked.

        Raises ``StaleError`` when it is not the planned one: what would be stamped is not what is being deployed.
        """
        found = self.workspace.revisions.of(self.container)
        if found.value != self.entry.revision:
            raise StaleError(f"files that {self.container.name} depends on have changed since the plan was made")
        return found

    def note(self, line: str) -> None:
        """Say something, and keep it for the evidence."""
        self.lines.append(redact(line))
        self.say(f"{self.container.name}: {redact(line)}")

    def evidence(self, changed: tuple[str, ...], facts: dict[str, Any], log: str | None = None) -> Evidence:
        """What the stage brings back; the noted lines are its log unless there is a better one."""
        text = "\n".join(self.lines[-_LOG_LINES:]) if log is None else redact(log)
        self.lines.clear()
        return Evidence(changed, facts, text)

    def stamp(self, revision: Revision | None = None, before: Stamp | None = None) -> Stamp:
        """Our stamp; without a revision while work is going on. What was verified ``before`` stays known in parts."""
        parts = revision.parts if revision else before.parts if before else {}
        value, container, workspace = revision.value if revision else None, self.container, self.workspace
        pinned = hostkeys.pinned(workspace.share.known_hosts, str(container.address.ip)) if revision else None
        host_key = pinned or (before.host_key if before else None)
        return Stamp(workspace.monorepo, container.name, container.stage, value, parts, workspace.commit, host_key)

    def unprove(self, config: Config) -> str | None:
        """The description with the proof of an earlier revision taken away; None when there is none to take away.

        From the first change on the container is no longer what was verified, even if the run ends there.
        """
        description = str(config.get("description", ""))
        present = stamp.parse(description)
        if present is not None and present.revision is None:
            return None
        return stamp.render(self.stamp(before=present), description)

    def digest(self, config: Config) -> object:
        """What a first write must match: the configuration that was planned on, else the one just read."""
        planned = None if self.entry.action in _MAKES else self.entry.digest
        return planned or config.get("digest")

    def begin(self) -> Config:
        """Make sure that the container is ours and no longer counts as verified; its configuration.

        The plan's digest is required for that write: what was planned on is what is there.
        """
        config = self.actuator.owned(self.names)
        description = self.unprove(config)
        if description is None:
            return config
        self.actuator.write({"description": description}, self.digest(config))
        return self.actuator.owned(self.names)

    def connection(self) -> Connection:
        """The connection as ``config``, which the base role has made."""
        return self._connect(ADMIN, first_contact=False)

    def early_connection(self) -> Connection:
        """The connection as whoever may log in: root as long as the base role has not been there.

        A host key is learned only from a container that has never been verified and that none is known of.
        """
        if self._ever_verified():
            return self.connection()
        address = str(self.container.address.ip)
        first_contact = not keys.is_known(self.workspace.share.known_hosts, address)
        likely, other = (ROOT, ADMIN) if self.entry.action in _MAKES else (ADMIN, ROOT)
        try:
            return self._connect(likely, first_contact=first_contact)
        except LoginRefused:
            self.note(f"login as {likely} is closed; trying {other}")
        return self._connect(other, first_contact=not keys.is_known(self.workspace.share.known_hosts, address))

    def _connect(self, user: str, *, first_contact: bool) -> Connection:
        return self.workspace.connections.get(
            self.container.vmid,
            str(self.container.address.ip),
            user,
            deadline=Deadline(_SSH_SECONDS, self.workspace.pve.clock),
            first_contact=first_contact,
        )

    def _ever_verified(self) -> bool:
        """Whether its stamp tells of a verified revision, present or past; else it is new or half made."""
        found = stamp.parse(str(self.actuator.owned(self.names).get("description", "")))
        return found is not None and bool(found.revision or found.parts)
