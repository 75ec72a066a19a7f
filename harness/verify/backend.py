"""testinfra over the agent: the same modules and specs, a few milliseconds a command."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from testinfra.backend.base import BaseBackend, CommandResult
from testinfra.host import Host

from harness.verify.agent import COMMAND_SECONDS, Agent

NAME = "gitops"


class AgentBackend(BaseBackend):  # type: ignore[misc]  # testinfra is untyped for us
    """Runs what testinfra asks for as root in one container.

    ``run`` takes two keywords more than testinfra's: ``stdin`` (text or bytes) and ``timeout`` (seconds).
    """

    NAME = NAME

    def __init__(self, name: str, agent: Agent) -> None:
        super().__init__(name)
        self._agent = agent

    def __repr__(self) -> str:
        """Short: a failed assertion shows it."""
        return f"<{self.get_pytest_id()}>"

    def run(
        self,
        command: str,
        *args: str,
        stdin: str | bytes = b"",
        timeout: float = COMMAND_SECONDS,
        **_: Any,
    ) -> CommandResult:
        """Run ``command`` with ``args`` quoted into it. Raises ``RemoteError`` when it does not end in time."""
        text = self.get_command(command, *args)
        fed = stdin.encode() if isinstance(stdin, str) else stdin
        answer = self._agent.ask(text, stdin=fed, timeout=timeout)
        return self.result(answer.code, text.encode(), answer.stdout, answer.stderr)

    def get_sudo_command(self, command: str, sudo_user: str | None) -> str:
        """``command`` as another user: commands are root's already, so no sudo is needed to become anyone."""
        if sudo_user in (None, "root"):
            return command
        return f"runuser -u {shlex.quote(str(sudo_user))} -- /bin/sh -c {shlex.quote(command)}"

    def get_encoding(self) -> str:
        """Debian's; asking would cost a command."""
        return "utf-8"


def make_host(name: str, agent: Agent) -> Host:
    """testinfra's ``host`` for the container that ``agent`` runs in."""
    backend = AgentBackend(name, agent)
    host = Host(backend)
    backend.set_host(host)
    return host


def feed(host: Host, text: str, command: str, *args: str) -> CommandResult:
    """Run ``command`` with ``text`` as its standard input. Skips a test whose host is one of testinfra's own kinds.

    Those drop the input without a word, and a test would then find nothing wrong.
    """
    if host.backend.get_connection_type() != NAME:
        pytest.skip("testinfra's own backends hand no standard input to commands")
    return host.run(command, *args, stdin=text)
