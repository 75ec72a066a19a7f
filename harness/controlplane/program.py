"""What a control plane runs: this harness and the locked packages that it needs."""

from __future__ import annotations

import hashlib
import io
import tarfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import harness
from harness.kit.errors import UsageError
from harness.repo import tree

LOCK = "requirements.lock"
_LENGTH = 16
"""Hex digits kept of a digest: enough against accidents, short in names."""


@dataclass(frozen=True)
class Program:
    """One version of the harness: its package directory and the lock file beside it."""

    package: Path
    lock: bytes

    @classmethod
    def of(cls, root: Path) -> Program:
        """The harness of the repository ``root``, else the one that runs.

        Raises ``UsageError`` when no lock file lies beside it.
        """
        package = root / "harness" if (root / "harness" / "__init__.py").is_file() else Path(harness.__path__[0])
        for directory in (package.resolve().parent, root):
            if (directory / LOCK).is_file():
                return cls(package.resolve(), (directory / LOCK).read_bytes())
        hint = f"bring {LOCK} back: git checkout -- {LOCK}"
        raise UsageError(f"{package.parent} has no {LOCK}", hint=hint)

    @cached_property
    def lock_digest(self) -> str:
        """Changes whenever other packages are wanted."""
        return hashlib.sha256(self.lock).hexdigest()[:_LENGTH]

    @cached_property
    def digest(self) -> str:
        """Changes whenever a file of the harness does."""
        return tree.package_digest(self.package)[:_LENGTH]

    def archive(self) -> bytes:
        """The harness as an uncompressed tar whose one folder is ``harness``, every file of it, owned by root."""
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w") as tar:
            for path in sorted(tree.package_files(self.package)):
                tar.add(self.package / path, f"harness/{path}", recursive=False, filter=_plain)
        return stream.getvalue()


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """The entry without what differs from checkout to checkout."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    entry.mtime = 0
    entry.mode = 0o755 if entry.mode & 0o100 else 0o644
    return entry
