"""Which programs the two units of a control plane start, and with which options besides those that all forges take."""

from __future__ import annotations

from dataclasses import dataclass

from harness.controlplane.gitea.releases import Pair
from harness.controlplane.kit import DATA


@dataclass(frozen=True, slots=True)
class Programs:
    """``forge`` and ``runner`` are modules. Each pair has a registration of its own: a token opens one forge only."""

    forge: str
    runner: str
    forge_options: str = ""
    runner_options: str = ""
    registration: str = f"{DATA}/runner/registration-token"
    """File with the token that the runner introduces itself with."""


OWNERS = ("main", "stage", "tasks")
"""Whose repositories' code the runner runs: what it may read opens everything."""
EMBEDDED = Programs(
    "harness.embedded.forge",
    "harness.embedded.runner",
    " ".join(f"--trusted-owner {name}" for name in OWNERS),
)


def of(pair: Pair | None, url: str) -> Programs:
    """The embedded ones, or what runs the releases of ``pair`` with links that begin with ``url``."""
    if pair is None:
        return EMBEDDED
    package = __package__ + ".gitea"
    return Programs(
        f"{package}.forge",
        f"{package}.runner",
        f"--gitea {pair.forge.program} --url {url}",
        f"--runner {pair.runner.program}",
        f"{DATA}/runner/gitea-registration-token",
    )
