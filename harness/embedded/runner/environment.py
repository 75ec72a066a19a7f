"""The environment of steps: the runner's own without what is private to it, and the names that Actions promises."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.embedded.runner.processes import MARK
from harness.embedded.runner.protocol import Task
from harness.embedded.runner.workspace import Workspace

_PRIVATE = ("GITHUB_", "GITEA_", "RUNNER_", "LISTEN_", "CREDENTIALS_DIRECTORY", "INVOCATION_ID", "JOURNAL_STREAM")
_PRIVATE_TOO = ("NOTIFY_SOCKET", "SYSTEMD_EXEC_PID", "MAINPID", "WATCHDOG_PID", "WATCHDOG_USEC")
_ARCHITECTURES = {"x86_64": "X64", "aarch64": "ARM64", "armv7l": "ARM"}
_DEFAULTS = {"LANG": "C.UTF-8", "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}


@dataclass(frozen=True, slots=True)
class Host:
    """Where jobs run: the runner's name, its own environment, the forge's certificate authority, if any."""

    name: str
    environ: Mapping[str, str]
    ca: Path | None = None

    @property
    def architecture(self) -> str:
        """In the words of Actions."""
        return _ARCHITECTURES.get(platform.machine(), platform.machine().upper())

    def inherited(self) -> dict[str, str]:
        """The runner's environment as far as jobs may see it."""
        hidden = (*_PRIVATE, *_PRIVATE_TOO)
        return {**_DEFAULTS, **{name: value for name, value in self.environ.items() if not name.startswith(hidden)}}


def variables(task: Task, host: Host, workspace: Workspace, mark: str) -> dict[str, str]:
    """What every step of a task finds: the forge's and the workflow's own, and what only the runner knows."""
    paths = {"GITHUB_WORKSPACE": str(workspace.files), "GITHUB_EVENT_PATH": str(workspace.event)}
    runner = {
        "RUNNER_NAME": host.name,
        "RUNNER_OS": "Linux",
        "RUNNER_ARCH": host.architecture,
        "RUNNER_TEMP": str(workspace.temp),
        "GIT_TERMINAL_PROMPT": "0",
    }
    told = both({name: value for name, value in task.env.items() if name.startswith("GITHUB_")} | paths)
    return {**host.inherited(), **_git_trust(host, task), **runner, **told, **task.env, MARK: mark}


def both(found: Mapping[str, str]) -> dict[str, str]:
    """Names that begin with ``GITHUB_``, and the same with ``GITEA_``."""
    return {**found, **{name.replace("GITHUB_", "GITEA_", 1): value for name, value in found.items()}}


def _git_trust(host: Host, task: Task) -> dict[str, str]:
    """git trusts the forge's own certificate authority for the forge's address, and for nothing else."""
    if host.ca is None:
        return {}
    key = f"http.{task.server_url.rstrip('/')}/.sslCAInfo"
    return {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": key, "GIT_CONFIG_VALUE_0": str(host.ca.resolve())}
