"""How one forge is run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ForgeSettings:
    """``state`` holds everything; ``root_url`` is what links begin with where no request says otherwise;
    ``pages`` off leaves bare answers where pages would be.
    """

    state: Path
    host: str = "127.0.0.1"
    port: int = 8080
    admin: str = "root"
    root_url: str = ""
    certificate: Path | None = None
    key: Path | None = None
    plain_port: int | None = None
    """With a certificate: this port of loopback serves http, for whoever runs on the same machine."""
    pages: bool = True
    trusted_owners: tuple[str, ...] = ()
    """Accounts (in small letters) whose repositories' code runners without a sandbox may run; empty: everybody's."""

    @property
    def base(self) -> str:
        """The address without a slash at its end."""
        scheme = "https" if self.certificate else "http"
        return self.root_url.rstrip("/") or f"{scheme}://{self.host}:{self.port}"

    @property
    def repositories(self) -> Path:
        """The bare repositories, by number: a rename moves nothing, and no name reaches the file system."""
        return self.state / "repositories"

    @property
    def logs(self) -> Path:
        """The logs of jobs."""
        return self.state / "logs"

    @property
    def hooks(self) -> Path:
        """The git hooks that every push runs."""
        return self.state / "hooks"

    @property
    def pushes(self) -> Path:
        """What pushes have done and the forge has not told yet."""
        return self.state / "pushes"
