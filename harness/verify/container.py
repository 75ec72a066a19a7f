"""What a spec knows about its container: the resolved configuration, the login, and its neighbours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from testinfra.backend.base import CommandResult
from testinfra.host import Host

from harness.inventory.model import Container, Inventory
from harness.kit.clock import Deadline, wait_until
from harness.kit.errors import DeadlineError
from harness.kit.secret import Secret
from harness.verify import backend

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SpecContainer:
    """The ``container`` fixture. Everything is as resolved: an address here is the one that is really used."""

    resolved: Container
    """All of its configuration."""
    inventory: Inventory
    login: str
    password: Secret
    """``password.reveal()`` where it goes to standard input; never into a command."""

    def __repr__(self) -> str:
        """Short: a failed assertion shows it."""
        return f"<container {self.name} {self.ip}>"

    @property
    def name(self) -> str:
        """The library's name, ``broker``."""
        return self.resolved.name

    @property
    def hostname(self) -> str:
        """Its host name without the domain."""
        return self.resolved.hostname

    @property
    def domain(self) -> str:
        """The domain of its name."""
        return self.resolved.domain

    @property
    def fqdn(self) -> str:
        """Host name and domain: under which the proxy serves it."""
        return f"{self.hostname}.{self.domain}"

    @property
    def ip(self) -> str:
        """Its IPv4 address."""
        return str(self.resolved.address.ip)

    @property
    def containers(self) -> tuple[SpecContainer, ...]:
        """All containers of the inventory but the control plane's own, this one included."""
        return tuple(self._view(each) for each in self.inventory.deployable)

    def other(self, name: str) -> SpecContainer:
        """The container of library ``name``. Raises ``KeyError`` when there is none."""
        return self._view(self.inventory[name])

    def feed(self, host: Host, text: str, command: str, *args: str) -> CommandResult:
        """Run ``command`` on ``host`` with ``text`` as its standard input: the way for a password.

        An argument could be read by every user of the container, standard input cannot.
        """
        return backend.feed(host, text, command, *args)

    def wait(self, probe: Callable[[], T | None], what: str, seconds: float = 15.0) -> T:
        """Repeat ``probe`` until it returns something true, and return that.

        Raises ``AssertionError`` naming ``what`` after ``seconds``.
        """
        try:
            return wait_until(probe, Deadline(seconds), what)
        except DeadlineError as late:
            raise AssertionError(str(late)) from late

    def _view(self, other: Container) -> SpecContainer:
        return SpecContainer(other, self.inventory, self.login, self.password)
