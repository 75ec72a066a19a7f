"""This machine, as far as the doctor looks at it; a test hands in another one."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from harness.kit import process
from harness.kit.process import CommandError

_CONNECT_SECONDS = 0.5


class Machine(Protocol):
    """What the checks ask."""

    def python_version(self) -> tuple[int, int, int]:
        """Of the running interpreter."""

    def is_root(self) -> bool:
        """Whether packages could be installed from here."""

    def has_apt(self) -> bool:
        """Whether this is a Debian or Ubuntu."""

    def find(self, program: str) -> str | None:
        """Path of a program, None when it is not installed."""

    def first_line(self, argv: Sequence[str]) -> str:
        """First line a program prints, on either stream; empty when it fails or says nothing."""

    def free_bytes(self, directory: Path) -> int:
        """Free space on the file system of the nearest directory that exists."""

    def listens(self, host: str, port: int) -> bool:
        """Whether something accepts connections there."""


class ThisMachine:
    """The real one."""

    def python_version(self) -> tuple[int, int, int]:
        return sys.version_info[:3]

    def is_root(self) -> bool:
        return os.geteuid() == 0

    def has_apt(self) -> bool:
        return self.find("apt-get") is not None

    def find(self, program: str) -> str | None:
        return shutil.which(program)

    def first_line(self, argv: Sequence[str]) -> str:
        try:
            done = process.run(argv, timeout=10, check=False)
        except CommandError:
            return ""
        lines = (done.text.strip() or done.error_text.strip()).splitlines()
        return lines[0] if lines and done.code == 0 else ""

    def free_bytes(self, directory: Path) -> int:
        existing = next(path for path in (directory, *directory.parents) if path.exists())
        return shutil.disk_usage(existing).free

    def listens(self, host: str, port: int) -> bool:
        with socket.socket() as probe:
            probe.settimeout(_CONNECT_SECONDS)
            return probe.connect_ex((host, port)) == 0
