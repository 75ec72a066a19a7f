"""The directory of one task: made for it, readable by nobody else, removed after it."""

from __future__ import annotations

import json
import logging
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.embedded.runner.protocol import Task
from harness.kit.files import private_directory, write_atomic

_log = logging.getLogger(__name__)


class Workspace:
    """``files`` is where steps begin (``GITHUB_WORKSPACE``), ``temp`` is for the runner and for ``RUNNER_TEMP``."""

    def __init__(self, directory: Path) -> None:
        self.directory = private_directory(directory)
        self.files = private_directory(directory / "workspace")
        self.temp = private_directory(directory / "temp")

    @property
    def event(self) -> Path:
        """The event as JSON."""
        return self.temp / "event.json"

    def write_event(self, task: Task) -> None:
        """Lay down what started the workflow."""
        write_atomic(self.event, json.dumps(task.event), mode=0o600)

    def write_script(self, number: int, text: str) -> Path:
        """The commands of a step."""
        script = self.temp / f"step-{number}.sh"
        write_atomic(script, text + "\n", mode=0o600)
        return script

    def remove(self) -> None:
        """Remove it whole; what cannot be removed is said in the runner's own log."""
        remove_tree(self.directory)


def remove_tree(directory: Path) -> None:
    """Remove a directory in which directories may be read-only."""

    def writable(function: Callable[..., Any], path: str, _error: Any) -> None:
        try:
            Path(path).parent.chmod(stat.S_IRWXU)
            if Path(path).is_dir() and not Path(path).is_symlink():
                Path(path).chmod(stat.S_IRWXU)
                shutil.rmtree(path)
            else:
                function(path)
        except OSError as error:
            _log.warning("%s stays: %s", path, error.strerror)

    if directory.exists():
        shutil.rmtree(directory, onerror=writable)
