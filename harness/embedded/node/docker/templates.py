"""Templates of Proxmox VE by name, and the base images that stand for them."""

from __future__ import annotations

import json
import re
from pathlib import Path

from harness.embedded.node.runtime import Template
from harness.kit.files import write_atomic

_VERSIONS = {"12": "12.12-1", "13": "13.1-2"}
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_NAME = re.compile(r"(?:.*[/:])?debian-(?P<release>\d+)-standard_[^/]*")


def release_of(name: str) -> str | None:
    """The Debian release that a template's file name stands for ("13"), or None for other templates."""
    match = _NAME.fullmatch(name)
    return match["release"] if match and match["release"] in _VERSIONS else None


def catalogue(machine: str) -> list[Template]:
    """The templates that this machine (``x86_64``, ``aarch64``) can have."""
    architecture = _ARCHITECTURES.get(machine, machine)
    return [_template(release, version, architecture) for release, version in sorted(_VERSIONS.items())]


def _template(release: str, version: str, architecture: str) -> Template:
    return Template(
        name=f"debian-{release}-standard_{version}_{architecture}.tar.zst",
        os=f"debian-{release}",
        version=version,
        headline=f"Debian {release} (standard)",
        description="Debian with systemd and sshd, as the embedded node makes it",
        size_bytes=180 << 20,
        architecture=architecture,
    )


class Fetched:
    """Which templates this node has fetched: other nodes of the machine may have made the image long before."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def all(self) -> dict[str, str]:
        """Image by template name."""
        return dict(json.loads(self._path.read_text())) if self._path.exists() else {}

    def add(self, name: str, image: str) -> None:
        """Remember a template."""
        self._write({**self.all(), name: image})

    def remove(self, name: str) -> None:
        """Forget a template."""
        self._write({known: image for known, image in self.all().items() if known != name})

    def _write(self, entries: dict[str, str]) -> None:
        write_atomic(self._path, json.dumps(entries, indent=1))
