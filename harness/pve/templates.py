"""Container templates: the newest of a name on a storage, downloaded when it is not there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from harness.kit.clock import Deadline
from harness.kit.errors import HarnessError
from harness.pve import tasks
from harness.pve.client import Pve
from harness.pve.errors import PermissionDenied

_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64", "amd64": "amd64", "arm64": "arm64"}
_NUMBER: Final = re.compile(r"(\d+)")


class TemplateMissingError(HarnessError):
    """Neither the storage nor PVE's list of downloads has such a template."""


def architecture(pve: Pve, node: str) -> str | None:
    """``amd64`` or ``arm64``; None where the credentials may not see it."""
    try:
        status = pve.get(f"nodes/{node}/status")
    except PermissionDenied:
        return None
    machine = str(status.get("current-kernel", {}).get("machine", ""))
    return _ARCHITECTURES.get(machine)


def is_volume_id(name: str) -> bool:
    """Whether ``name`` is a full volume id (``local:vztmpl/…``) rather than a template's name."""
    return ":" in name


def find(pve: Pve, node: str, storage: str, name: str, arch: str | None) -> str | None:
    """Volume id of the newest template called ``name`` on the storage, or None."""
    if is_volume_id(name):
        storage = name.partition(":")[0]
    content = pve.get(f"nodes/{node}/storage/{storage}/content", content="vztmpl") or []
    volumes = [str(entry["volid"]) for entry in content]
    if is_volume_id(name):
        return name if name in volumes else None
    by_file = {volume.rpartition("/")[2]: volume for volume in volumes}
    file = newest(by_file, name, arch)
    return by_file[file] if file else None


def ensure(pve: Pve, node: str, storage: str, name: str, *, deadline: Deadline, on_log: Callable[[str], None]) -> str:
    """Volume id of the template, downloaded by PVE itself when the storage lacks it.

    PVE checks the download against the checksum in its signed list. Raises ``TemplateMissingError``, ``TaskFailed``,
    ``TaskPending``.
    """
    arch = architecture(pve, node)
    present = find(pve, node, storage, name, arch)
    if present:
        return present
    if is_volume_id(name):
        storage, wanted = name.partition(":")[0], name.rpartition("/")[2]
    else:
        wanted = name
    file = _downloadable(pve, node, wanted, arch)
    on_log(f"downloading template {file} to {storage}")
    tasks.wait_for(pve, pve.post(f"nodes/{node}/aplinfo", storage=storage, template=file), deadline, on_log)
    return f"{storage}:vztmpl/{file}"


def _downloadable(pve: Pve, node: str, name: str, arch: str | None) -> str:
    """The newest file PVE can download under that name (PVE API schema, GET /nodes/{node}/aplinfo)."""
    listed: list[dict[str, Any]] = pve.get(f"nodes/{node}/aplinfo") or []
    files = [str(entry["template"]) for entry in listed]
    file = name if name in files else newest(files, name, arch)
    if file is None:
        known = sorted({str(entry.get("package", "")) for entry in listed if "debian" in str(entry.get("os", ""))})
        raise TemplateMissingError(
            f"node {node} has no template {name} for {arch or 'its architecture'} and cannot download one",
            hint=f"it could download: {', '.join(known) or 'nothing (run `pveam update` on the node)'}",
        )
    return file


def newest(files: Iterable[str], name: str, arch: str | None) -> str | None:
    """The file of ``name`` for ``arch`` with the highest version, numbers compared as numbers."""
    pattern = re.compile(rf"{re.escape(name)}_(?P<version>[^_]+)_(?P<arch>[^_.]+)\.tar\.\w+")
    exact = re.compile(rf"{re.escape(name)}(_(?P<arch>amd64|arm64))?\.tar\.\w+")
    found = []
    for file in files:
        match = pattern.fullmatch(file) or exact.fullmatch(file)
        parts = match.groupdict() if match else {}
        if match and (arch is None or parts.get("arch") in (None, arch)):
            found.append((_version_key(parts.get("version") or ""), file))
    return max(found)[1] if found else None


def _version_key(version: str) -> tuple[tuple[int, int | str], ...]:
    """``13.10-1`` after ``13.9-1``."""
    return tuple((1, int(part)) if part.isdigit() else (0, part) for part in _NUMBER.split(version) if part)
