"""What a new container gets before its first start, by what is in it: what PVE::LXC::Setup does for a distribution."""

from __future__ import annotations

import io
import tarfile
import uuid
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from docker import errors as docker_errors

from harness.embedded.node.docker import files
from harness.embedded.node.docker.files import File
from harness.embedded.node.docker.imports import is_foreign
from harness.embedded.node.runtime import GuestSpec

_INTERFACES = "auto lo\niface lo inet loopback\n"
"""The engine has set up the addresses already; whoever did so once more, by DHCP perhaps, would take them away."""
_MASKED = ("systemd-networkd-wait-online.service", "NetworkManager-wait-online.service")
"""They wait for interfaces of their own, which there are none of."""


class Inside:
    """The files of a container that has been made, running or not."""

    def __init__(self, api: Any, container: str) -> None:
        self._api = api
        self._container = container

    def has(self, path: str) -> bool:
        """Whether there is something at a path."""
        try:
            stream, _ = self._api.get_archive(self._container, path)
        except docker_errors.NotFound:
            return False
        stream.close()
        return True

    def read(self, path: str) -> File | None:
        """A regular file with its mode and group, or None."""
        try:
            stream, _ = self._api.get_archive(self._container, path)
        except docker_errors.NotFound:
            return None
        with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as tar:
            member = tar.next()
            data = tar.extractfile(member) if member and member.isreg() else None
            if member is None or data is None:
                return None
            return File(path.lstrip("/"), data.read(), member.mode, member.gid)


def first_files(inside: Inside, spec: GuestSpec) -> list[File]:
    """The files of a new container, its root password among them."""
    if not spec.managed:
        return []
    found = files.first_files(spec) if not is_foreign(spec.image) else _foreign_files(inside, spec)
    return [*found, *_password(inside, spec)]


def _foreign_files(inside: Inside, spec: GuestSpec) -> list[File]:
    found = files.root_keys(spec)
    if inside.has("/etc/ssh"):
        found += files.host_keys(spec.hostname)
    if inside.has("/etc/network"):
        found.append(File("etc/network/interfaces", _INTERFACES.encode()))
    if inside.has("/usr/lib/systemd/systemd") or inside.has("/lib/systemd/systemd"):
        found.append(File("etc/machine-id", f"{uuid.uuid4().hex}\n".encode(), 0o444))
        found += [File(f"etc/systemd/system/{unit}", b"/dev/null", link=True) for unit in _MASKED]
    return found


def _password(inside: Inside, spec: GuestSpec) -> Iterable[File]:
    if spec.root_password is None:
        return []
    shadow = inside.read("/etc/shadow")
    if shadow is None:
        return []
    return [replace(shadow, data=files.with_root_password(shadow.data.decode(), spec.root_password).encode())]
