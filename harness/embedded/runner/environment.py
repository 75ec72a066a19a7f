"""The environment of steps: the runner's own without what is private to it, and the names that Actions promises."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.embedded.runner.processes import MARK
from harness.embedded.runner.protocol import Task
from harness.embedded.runner.workspace import Workspace

_PRIVATE = ("GITHUB_", "GITEA_", "RUNNER_", "LISTEN_", "CREDENTIALS_DIRECTORY", "INVOCATION_ID", "JOURNAL_STREAM")
_PRIVATE_TOO = ("NOTIFY_SOCKET", "SYSTEMD_EXEC_PID", "MAINPID", "WATCHDOG_PID", "WATCHDOG_USEC")
_ARCHITECTURES = {"x86_64": "X64", "aarch64": "ARM64", "armv7l": "ARM"}
_DEFAULTS = {"LANG": "C.UTF-8", "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
_FROM_GITHUB = (
    *("actor", "api_url", "base_ref", "event_name", "head_ref", "job", "ref", "ref_name", "ref_type", "repository"),
    *("repository_owner", "run_attempt", "run_id", "run_number", "server_url", "sha", "token", "triggering_actor"),
    "workflow",
)


@dataclass(frozen=True, slots=True)
class Host:
    """Where jobs run: the runner's name, its own environment, certificates for the forge's address, if any."""

    name: str
    environ: Mapping[str, str]
    forge: str = ""
    ca: Path | None = None

    @property
    def architecture(self) -> str:
        """In the words of Actions."""
        return _ARCHITECTURES.get(platform.machine(), platform.machine().upper())

    def inherited(self) -> dict[str, str]:
        """The runner's environment as far as jobs may see it."""
        hidden = (*_PRIVATE, *_PRIVATE_TOO)
        return {**_DEFAULTS, **{name: value for name, value in self.environ.items() if not name.startswith(hidden)}}


def github_context(task: Task, workspace: Workspace) -> dict[str, Any]:
    """The forge's, and what only the runner knows."""
    return {
        **task.github,
        "workspace": str(workspace.files),
        "event_path": str(workspace.event),
        "job": task.job,
    }


def runner_context(host: Host, workspace: Workspace) -> dict[str, str]:
    """The ``runner`` context."""
    return {"name": host.name, "os": "Linux", "arch": host.architecture, "temp": str(workspace.temp)}


def variables(task: Task, host: Host, workspace: Workspace, mark: str) -> dict[str, str]:
    """What every step of a task finds, before the workflow adds its own."""
    github = github_context(task, workspace)
    names = {name: github[name] for name in (*_FROM_GITHUB, "workspace", "event_path") if github.get(name) is not None}
    runner = runner_context(host, workspace)
    found = {f"GITHUB_{name.upper()}": str(value) for name, value in names.items()}
    found = found | {name.replace("GITHUB_", "GITEA_", 1): value for name, value in found.items()}
    found |= {f"RUNNER_{name.upper()}": value for name, value in runner.items()}
    flags = {"CI": "true", "GITHUB_ACTIONS": "true", "GITEA_ACTIONS": "true", "GIT_TERMINAL_PROMPT": "0"}
    return {**host.inherited(), **flags, **_git_trust(host), **found, MARK: mark}


def _git_trust(host: Host) -> dict[str, str]:
    """git trusts the forge's own certificate authority for the forge's address and nothing else by it."""
    if host.ca is None:
        return {}
    key = f"http.{host.forge.rstrip('/')}/.sslCAInfo"
    return {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": key, "GIT_CONFIG_VALUE_0": str(host.ca.resolve())}
