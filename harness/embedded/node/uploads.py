"""Files that come from outside: by upload, or from an address that the node is told to fetch."""

from __future__ import annotations

import hashlib
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from harness.embedded.node import storages
from harness.embedded.node.errors import ApiError, bad_parameters, failure
from harness.embedded.node.node import Node

_EXTENSIONS = {
    "iso": r".+\.(?:iso|img)",
    "vztmpl": r".+\.tar(?:\.(?:gz|xz|zst|bz2))?",
    "import": r".+\.(?:ova|ovf|qcow2|raw|vmdk)",
}
_BACKUP = r"vzdump-lxc-(\d+)-\d{4}(?:_\d\d){2}-\d\d(?:_\d\d){2}\.(tar(?:\.(?:gz|lzo|zst))?)"
_NAMES = {**_EXTENSIONS, "backup": _BACKUP}
_SECONDS = 600


def safe_name(text: str) -> str:
    """The last part of a path, with only harmless characters."""
    return re.sub(r"[^-a-zA-Z0-9_.]", "_", PurePosixPath(text).name)


def check(storage: storages.Storage, content: str, name: str, *, uploaded: bool = False) -> None:
    """Raise as PVE does for a storage or a name that does not fit the content; uploads are told in other words."""
    if not storage.kind.folders:
        rest = "" if uploaded else ", not a file based storage!"
        raise failure(f"can't upload to storage type '{storage.type}'{rest}")
    if not uploaded and content not in storage.content:
        raise failure(f"storage '{storage.name}' is not configured for content-type '{content}'")
    if not re.fullmatch(_EXTENSIONS[content], name, re.IGNORECASE):
        fault = "invalid filename or wrong extension" if content == "import" else "wrong file extension"
        raise bad_parameters(filename=fault)
    if content not in storage.content:
        raise failure(f"storage '{storage.name}' does not support '{content}' content")


def check_sum(data: bytes, params: Mapping[str, str | None]) -> None:
    """Raise when the checksum that was given is another."""
    algorithm, wanted = params.get("checksum-algorithm"), params.get("checksum")
    if algorithm and wanted:
        got = hashlib.new(algorithm, data).hexdigest()
        if got != wanted.lower():
            raise failure(f"checksum mismatch: got '{got}' != expect '{wanted}'")


def keep(node: Node, storage: storages.Storage, content: str, name: str, data: bytes) -> None:
    """Note the volume; its bytes lie below the node's own root, where the storage's path would be."""
    volid = f"{storage.name}:{content}/{name}"
    if file := file_of(node, volid):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    shape = storages.template_format(name) if content == "vztmpl" else content
    node.storages.add(volid, content, len(data), format=shape)


def file_of(node: Node, volid: str) -> Path | None:
    """Where the bytes of a volume lie, or None for a node that keeps none."""
    if node.options.root is None:
        return None
    return node.options.root / node.storages.file_path(volid).lstrip("/")


def discover(node: Node, storage: storages.Storage) -> None:
    """Note the files that somebody has laid into a storage's directories, as on a host."""
    if node.options.root is None or not storage.kind.folders:
        return
    for content, pattern in _NAMES.items():
        directory = node.options.root / str(storage.path / storages.FOLDERS[content]).lstrip("/")
        for file in directory.iterdir() if content in storage.content and directory.is_dir() else ():
            volid = f"{storage.name}:{content}/{file.name}"
            if volid not in node.storages.volumes and file.is_file() and re.fullmatch(pattern, file.name):
                _note(node, volid, content, file)


def _note(node: Node, volid: str, content: str, file: Path) -> None:
    backup = re.fullmatch(_BACKUP, file.name) if content == "backup" else None
    more: dict[str, Any] = {"format": storages.template_format(file.name) if content == "vztmpl" else content}
    if backup:
        more = {"vmid": int(backup[1]), "format": backup[2], "subtype": "lxc"}
    node.storages.add(volid, content, file.stat().st_size, **more)


def forget(node: Node, volid: str) -> None:
    """Remove the bytes of a file."""
    if file := file_of(node, volid):
        file.unlink(missing_ok=True)


def fetch(url: str) -> bytes:
    """The bytes behind an address; raises with PVE's text of a failed download."""
    if urlsplit(url).scheme not in ("http", "https"):
        raise failure("download failed: Unsupported scheme")
    try:
        with urllib.request.urlopen(url, timeout=_SECONDS) as answer:  # noqa: S310 - the scheme was checked
            data: bytes = answer.read()
            return data
    except urllib.error.HTTPError as error:
        raise failure("download failed: exit code 8") from error
    except OSError as error:
        raise _unreachable(url, error) from error


def _unreachable(url: str, error: OSError) -> ApiError:
    place = urlsplit(url)
    reason = getattr(error, "reason", error)
    if isinstance(reason, ConnectionRefusedError):
        port = place.port or (443 if place.scheme == "https" else 80)
        return failure(f"download failed: Connecting to {place.hostname}:{port}... failed: Connection refused.")
    return failure(f"download failed: wget: unable to resolve host address '{place.hostname}'")
