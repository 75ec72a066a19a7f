"""How one runner is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RunnerSettings:
    """``state`` holds credential, spool and work directories. ``stop_grace`` seconds are given to running jobs at
    SIGTERM, ``kill_grace`` lie between SIGTERM and SIGKILL of a step. ``untrusted``: take jobs whose code nobody has
    accepted."""

    state: Path
    forge: str
    token_file: Path
    name: str
    capacity: int = 4
    labels: Sequence[str] = ("shell",)
    ca: Path | None = None
    untrusted: bool = False
    stop_grace: float = 25.0
    kill_grace: float = 10.0
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def credential(self) -> Path:
        """The runner's own token (0600)."""
        return self.state / "runner.json"

    @property
    def spool(self) -> Path:
        """What the forge has yet to hear."""
        return self.state / "spool"

    @property
    def work(self) -> Path:
        """The directories of running tasks."""
        return self.state / "work"

    @property
    def lock(self) -> Path:
        """Held while a runner uses the state."""
        return self.state / "lock"
