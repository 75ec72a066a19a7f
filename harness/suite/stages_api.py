"""What the suite asks of whoever does the work: the stages of one container. Tests put a fake in its place."""

from __future__ import annotations

from typing import Protocol

from harness.lifecycle.evidence import Evidence


class Stages(Protocol):
    """The stages, by container name. Each raises ``HarnessError`` when it fails."""

    def provision(self, container: str) -> Evidence:
        """Create or change it, start it, wait until ssh answers."""

    def base(self, container: str) -> Evidence:
        """Users, keys, sshd, packages, locale and time zone."""

    def converge(self, container: str) -> Evidence:
        """Run its cookbook."""

    def idempotence(self, container: str) -> Evidence:
        """Run its cookbook again; fails when that changes anything."""

    def release(self, container: str) -> Evidence:
        """Stamp it with the planned revision."""

    def holds(self, container: str, stage: str) -> str | None:
        """None when ``stage`` holds already, else what is missing. Changes nothing."""

    def close(self) -> None:
        """Give back connections."""
