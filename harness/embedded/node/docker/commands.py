"""Commands inside running containers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.embedded.node.docker import interfaces
from harness.embedded.node.docker.names import Names
from harness.embedded.node.runtime import GuestError, GuestNet


class Commands:
    """Runs them, and waits for their end."""

    def __init__(self, api: Any, names: Names) -> None:
        self._api = api
        self._names = names

    def run(self, vmid: int, command: list[str]) -> str:
        """What a command writes to standard output; raises ``GuestError`` when it fails."""
        made = self._api.exec_create(self._names.container(vmid), command)
        output: bytes = self._api.exec_start(made["Id"])
        code = self._api.exec_inspect(made["Id"])["ExitCode"]
        text = output.decode(errors="replace")
        if code != 0:
            raise GuestError(f"CT {vmid}: {command[0]} ended with {code}: {text.strip()}")
        return text

    def name_interfaces(self, vmid: int, nets: Sequence[GuestNet]) -> None:
        """Give interfaces the names of the settings."""
        command = interfaces.renaming(nets)
        if command:
            self.run(vmid, command)
