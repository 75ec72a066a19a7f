"""Storages and the volumes on them, as records: configuration, names, sizes, what each kind can do."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from harness.embedded.node.errors import bad_parameters, failure
from harness.embedded.node.faults import Plan
from harness.embedded.node.grammar.formats import split_list
from harness.embedded.node.store import Record, Store

DEFAULTS: Mapping[str, Mapping[str, str]] = {
    "local": {"type": "dir", "path": "/var/lib/vz", "content": "backup,iso,vztmpl,rootdir,images,snippets,import"},
    "local-lvm": {"type": "lvmthin", "thinpool": "data", "vgname": "pve", "content": "rootdir,images"},
}
FOLDERS: Mapping[str, str] = {
    "vztmpl": "template/cache",
    "iso": "template/iso",
    "backup": "dump",
    "snippets": "snippets",
    "import": "import",
}
_NEW_DISK = re.compile(r"([^:\s]+):(\d+(?:\.\d+)?)")
_IMAGE = re.compile(r"(?:vm-|base-|subvol-)\d+-[^/\s]+\.(?:raw|qcow2|vmdk|subvol)")
_FILES = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?i:iso/[^/]+\.(?:iso|img))",
        r"vztmpl/[^/]+\.tar(?:\.(?:gz|xz|zst|bz2))?",
        r"backup/[^/]+\.(?:tgz|(?:tar|vma)(?:\.(?:gz|lzo|zst|bz2))?)",
        r"rootdir/\d+",
        r"snippets/[^/]+",
        r"import/.+\.(?:ova|ovf|qcow2|raw|vmdk)",
    )
)
_TEMPLATE_FORMATS = {".tar.zst": "tzst", ".tar.gz": "tgz", ".tar.xz": "txz", ".tar.bz2": "tbz2", ".tar": "tar"}


@dataclass(frozen=True, slots=True)
class Kind:
    """What a type of storage can do with containers' disks.

    ``linked``: what it makes linked clones of (its plugin's ``volume_has_feature``): templates, snapshots, the present.
    """

    folders: bool
    snapshots: bool
    word: str
    linked: frozenset[str] = frozenset()


KINDS = {
    "dir": Kind(folders=True, snapshots=False, word="directory"),
    "nfs": Kind(folders=True, snapshots=False, word="directory"),
    "cifs": Kind(folders=True, snapshots=False, word="directory"),
    "btrfs": Kind(True, True, "directory", frozenset({"base", "snap", "current"})),
    "lvmthin": Kind(False, True, "lvm", frozenset({"base", "snap"})),
    "lvm": Kind(folders=False, snapshots=False, word="lvm"),
    "zfspool": Kind(False, True, "zfs", frozenset({"base"})),
}


@dataclass(frozen=True, slots=True)
class Storage:
    """One configured storage."""

    name: str
    options: Mapping[str, Any]

    @property
    def type(self) -> str:
        """The plugin's name."""
        return str(self.options["type"])

    @property
    def kind(self) -> Kind:
        """What it can do."""
        return KINDS.get(self.type, KINDS["dir"])

    @property
    def content(self) -> tuple[str, ...]:
        """The content types it may hold."""
        return tuple(part for part in str(self.options.get("content", "")).split(",") if part and part != "none")

    @property
    def enabled(self) -> bool:
        """Whether it is in use."""
        return str(self.options.get("disable", "0")) != "1"

    def is_on(self, node: str) -> bool:
        """Whether it is there on a node."""
        nodes = self.options.get("nodes")
        return not nodes or node in split_list(str(nodes))

    @property
    def path(self) -> PurePosixPath:
        """The directory of a directory storage."""
        return PurePosixPath(str(self.options.get("path", "/dev/pve")))


class Storages:
    """All storages and volumes."""

    def __init__(self, store: Store, configured: Mapping[str, Mapping[str, Any]], faults: Plan | None = None) -> None:
        self._table = store.table("storage")
        self._faults = faults or Plan()
        self.volumes = store.table("volume")
        if not len(self._table):
            for name, options in configured.items():
                self._table.put(name, dict(options))

    def all(self) -> list[Storage]:
        """Every storage."""
        return [Storage(name, options) for name, options in self._table.items()]

    def find(self, name: str) -> Storage | None:
        """The storage, or None."""
        options = self._table.get(name)
        return Storage(name, options) if options else None

    def need(self, name: str) -> Storage:
        """The storage; raises PVE's 500 when there is none."""
        found = self.find(name)
        if found is None:
            raise failure(f"storage '{name}' does not exist")
        return found

    def usable(self, name: str, node: str) -> Storage:
        """The storage, enabled; raises PVE's 500 otherwise."""
        storage = self.need(name)
        if not storage.enabled:
            raise failure(f"storage '{name}' is disabled")
        if not storage.is_on(node):
            raise failure(f"storage '{name}' is not available on node '{node}'")
        return storage

    def put(self, name: str, options: Mapping[str, Any]) -> None:
        """Write a storage's configuration."""
        self._table.put(name, dict(options))

    def remove(self, name: str) -> None:
        """Remove a storage's configuration; its volumes stay."""
        self._table.delete(name)

    @property
    def digest(self) -> str:
        """SHA-1 of the configuration of all storages."""
        text = "".join(f"{name}{sorted(options.items())}" for name, options in sorted(self._table.items()))
        return hashlib.sha1(text.encode()).hexdigest()  # noqa: S324  # PVE's digest, not a protection

    def content(self, name: str) -> list[tuple[str, Record]]:
        """The volumes of a storage."""
        return [(volid, record) for volid, record in self.volumes.items() if volid.startswith(f"{name}:")]

    def used(self, name: str) -> int:
        """Bytes that the volumes take."""
        return sum(int(record["size"]) for _, record in self.content(name))

    def check_rootdir(self, storage: Storage) -> None:
        """Raise PVE's 400 when containers may not live there."""
        if "rootdir" not in storage.content:
            raise bad_parameters(storage=f"storage '{storage.name}' does not support container directories")

    def add(self, volid: str, content: str, size: int, **more: Any) -> None:
        """Note a volume."""
        self.volumes.put(volid, {"content": content, "size": size, "ctime": int(time.time()), **more})

    def allocate(self, storage: Storage, vmid: int, size: int) -> str:
        """A new disk for a container; returns its volume id. Size 0 is a plain directory (subvolume)."""
        self.check_space(storage, size)
        number = next(n for n in range(1000) if not self._disk_exists(storage, vmid, n))
        if storage.kind.folders:
            stem = f"vm-{vmid}-disk-{number}.raw" if size else f"subvol-{vmid}-disk-{number}.subvol"
            volid = f"{storage.name}:{vmid}/{stem}"
        else:
            volid = f"{storage.name}:{'subvol' if storage.type == 'zfspool' else 'vm'}-{vmid}-disk-{number}"
        kind = "subvol" if "subvol" in volid else "raw"
        self.add(volid, "rootdir", size, vmid=vmid, format=kind)
        return volid

    def is_full(self, name: str) -> bool:
        """Whether a fault fills the storage."""
        return bool(self._faults.in_force("storage-full", storage=name))

    def check_space(self, storage: Storage, size: int) -> None:
        """Raise as PVE's tools do when nothing fits any more."""
        if self._faults.take("storage-full", storage=storage.name):
            if storage.kind.folders:
                raise failure(f"unable to create image: No space left on device ({size} bytes)")
            raise failure(f"lvcreate '{storage.options.get('vgname', 'pve')}' error:   Insufficient free space")

    def _disk_exists(self, storage: Storage, vmid: int, number: int) -> bool:
        pattern = re.compile(
            rf"{re.escape(storage.name)}:(?:{vmid}/)?(?:vm|subvol|base)-{vmid}-disk-{number}(?:\.\w+)?"
        )
        return any(pattern.fullmatch(volid) for volid in self.volumes)

    def file_path(self, volid: str) -> str:
        """Where the volume lies on the node."""
        name, _, rest = volid.partition(":")
        storage = self.need(name)
        kind, _, file = rest.partition("/")
        if kind in FOLDERS and storage.kind.folders:
            return str(storage.path / FOLDERS[kind] / file)
        if storage.kind.folders:
            image = f"{file.removesuffix('.raw')}/disk.raw" if storage.type == "btrfs" else file
            return str(storage.path / "images" / kind / image)
        return f"/dev/{storage.options.get('vgname', 'pve')}/{rest}"

    def check_volume_name(self, storage: Storage, name: str) -> None:
        """Raise as PVE does on a name that the storage could not have given."""
        if not storage.kind.folders:
            if not re.fullmatch(r"\S+-\d+-\S+", name):
                raise failure(f"unable to parse {storage.kind.word} volume name '{name}'")
            return
        image = re.fullmatch(r"\d+/(\S+)", name)
        if image and not _IMAGE.fullmatch(image[1].rpartition("/")[2]):
            raise failure(f"unable to parse volume filename '{image[1].rpartition('/')[2]}'")
        if not image and not any(pattern.fullmatch(name) for pattern in _FILES):
            raise failure(f"unable to parse directory volume name '{name}'")


def split_volid(text: str) -> tuple[str, str]:
    """Storage and volume name; raises PVE's 500 when it is no volume id."""
    found = re.fullmatch(r"([a-zA-Z][a-zA-Z0-9\-_.]*[a-zA-Z0-9]):(.+)", text)
    if not found:
        raise failure(f"unable to parse volume ID '{text}'")
    return found[1], found[2]


def owner_of(volid: str) -> int | None:
    """The VMID in the name of a disk or backup, or None."""
    found = re.search(r"(?::|/)(?:(?:vm|subvol|base|basevol)-(\d+)-|vzdump-(?:lxc|qemu)-(\d+)-)", volid)
    return int(found[1] or found[2]) if found else None


def new_disk(text: str) -> tuple[str, str] | None:
    """Storage and gibibytes of ``storage:8``, or None when the text names an existing volume."""
    found = _NEW_DISK.fullmatch(text)
    return (found[1], found[2]) if found else None


def template_format(name: str) -> str:
    """The format that lists show for a template archive."""
    return next((word for suffix, word in _TEMPLATE_FORMATS.items() if name.endswith(suffix)), "tar")
