"""Creating a container: the checks that answer at once, in PVE's order, and the task that does it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.embedded.node import archives, distributions, keys, leftovers, storages, uploads
from harness.embedded.node.errors import ApiError, denied, failure
from harness.embedded.node.guest_config import Guest
from harness.embedded.node.node import Node
from harness.embedded.node.operations import guest_disks, guest_permissions, guest_power, guest_settings, guest_spec
from harness.embedded.node.runtime import ArchiveError, ImportingRuntime
from harness.embedded.node.tasks import InterruptedTaskError, Task
from harness.kit.errors import HarnessError

Settings = dict[str, str | None]
_NOT_CONFIG = frozenset(
    (
        *("node", "vmid", "ostemplate", "password", "storage", "force", "restore", "pool", "ignore-unpack-errors"),
        *("ssh-public-keys", "bwlimit", "start", "unique", "lock", "ha-managed"),
    )
)
_DEFAULT_ROOTFS = "4"
_UNPACK = (
    "lxc-usernsexec -m u:0:100000:65536 -m g:0:100000:65536 -- tar xpf - --zstd --totals --one-file-system -p --sparse "
    "--numeric-owner --acls --xattrs '--xattrs-include=user.*' '--xattrs-include=security.capability' "
    "'--warning=no-file-ignored' '--warning=no-xattr-write' -C /var/lib/lxc/{}/rootfs --skip-old-files --anchored "
    "--exclude './dev/*'"
)
"""The command that PVE names when it cannot unpack a template: clients read its text in the task's error."""
_NO_NESTING = 232
"""The newest systemd that does without (PVE::LXC::Setup::Base)."""
_WANTS_NESTING = {"debian-12": 252, "debian-13": 257}


@dataclass(frozen=True, slots=True)
class Request:
    """A creation as asked for."""

    user: str
    vmid: int
    template: str
    storage: str
    settings: Mapping[str, str | None]
    pool: str | None
    password: str | None
    keys: str
    start: bool
    restore: bool
    force: bool
    managed: bool = False

    @property
    def disks(self) -> dict[str, str]:
        """``rootfs`` and ``mpN`` with the storage written out; a root file system of 4 GiB when nothing is said."""
        given = {key: value or "" for key, value in self.settings.items() if guest_disks.DISK.fullmatch(key)}
        if not given:
            return {"rootfs": f"{self.storage}:{_DEFAULT_ROOTFS}"}
        return {
            key: f"{self.storage}:{value}" if re.fullmatch(r"\d+(?:\.\d+)?", value) else value
            for key, value in given.items()
        }

    @property
    def options(self) -> Settings:
        """Everything but disks."""
        return {key: value for key, value in self.settings.items() if not guest_disks.DISK.fullmatch(key)}


def request(user: str, params: Mapping[str, str | None]) -> Request:
    """A request from a call's parameters."""
    settings = {key: value for key, value in params.items() if key not in _NOT_CONFIG and not key.startswith("unused")}
    settings.setdefault("unprivileged", "1")
    return Request(
        user=user,
        vmid=int(params["vmid"] or 0),
        template=params["ostemplate"] or "",
        storage=params.get("storage") or "local",
        settings=settings,
        pool=params.get("pool"),
        password=params.get("password"),
        keys=params.get("ssh-public-keys") or "",
        start=params.get("start") == "1",
        restore=params.get("restore") == "1",
        force=params.get("force") == "1",
        managed=params.get("ha-managed") == "1",
    )


def create(node: Node, asked: Request) -> str:
    """Check, reserve the VMID, then start the task; returns its identifier."""
    check(node, asked)
    options = guest_settings.prepare(node, asked.options)
    kept = {key: value for key, value in options.items() if value is not None}
    node.guests.reserve(Guest(asked.vmid, kept), "create")
    return node.tasks.start("vzcreate", asked.vmid, asked.user, lambda task: Creation(node, asked, kept, task).run())


def check(node: Node, asked: Request) -> None:
    """Everything that PVE refuses at once, in its order."""
    _check_vmid(node, asked)
    if asked.keys:
        keys.check_public_keys(asked.keys)
    _check_allowed(node, asked)
    _check_template(node, asked)
    _check_storages(node, asked)


def _check_vmid(node: Node, asked: Request) -> None:
    present = node.guests.find(asked.vmid)
    if not (present and asked.restore and asked.force):
        node.guests.check_unused(asked.vmid)
    elif node.is_running(asked.vmid):
        raise failure("can't overwrite running container")


def _check_allowed(node: Node, asked: Request) -> None:
    permissions, vmid = node.permissions, asked.vmid
    if asked.pool is not None:
        node.pools.need(asked.pool)
        permissions.require_any(asked.user, f"/pool/{asked.pool}", ["VM.Allocate", "Pool.Allocate"])
    if asked.settings.get("unprivileged") == "0":
        permissions.require(asked.user, "/", ["Sys.Modify"])
    allowed = permissions.allows(asked.user, f"/vms/{vmid}", ["VM.Allocate"])
    if not allowed and not (asked.pool and permissions.allows(asked.user, f"/pool/{asked.pool}", ["VM.Allocate"])):
        raise denied()
    rules = guest_permissions.ConfigRules(node, asked.user, vmid, asked.pool)
    unprivileged = {"unprivileged": asked.settings["unprivileged"] or ""}
    rules.check({k: v for k, v in asked.settings.items() if k != "unprivileged"}, old=unprivileged)


def _check_template(node: Node, asked: Request) -> None:
    name, colon, volume = asked.template.partition(":")
    if not colon:
        return
    wanted = "backup" if asked.restore else "vztmpl"
    if node.storages.find(name) is None:
        raise failure(f"storage '{name}' does not exist")
    if not volume.startswith(f"{wanted}/"):
        raise failure(f"unable to use volume {asked.template} - content type needs to be '{wanted}'")
    paths = ["Datastore.Audit", "Datastore.AllocateSpace"]
    node.permissions.require_any(asked.user, f"/storage/{name}", paths)


def _check_storages(node: Node, asked: Request) -> None:
    if asked.restore:
        return
    disks = [guest_disks.parse(node, key, text) for key, text in asked.disks.items()]
    if not any(disk.key == "rootfs" for disk in disks):
        raise failure("mount points configured, but 'rootfs' not set - aborting")
    for disk in disks:
        if disk.kind == "volume":
            _check_storage(node, asked, storages.split_volid(disk.volume)[0])


def _check_storage(node: Node, asked: Request, name: str) -> None:
    storage = node.storages.usable(name, node.name)
    node.storages.check_rootdir(storage)
    node.permissions.require(asked.user, f"/storage/{name}", ["Datastore.AllocateSpace"])


class Creation:
    """The work of the task."""

    def __init__(self, node: Node, asked: Request, options: Mapping[str, str], task: Task) -> None:
        self._node = node
        self._asked = asked
        self._task = task
        self._options = options
        self._made: list[str] = []

    def run(self) -> None:
        """Make the container; whatever fails, nothing of it is left."""
        try:
            self._make()
        except HarnessError as error:
            self._undo()
            raise self._explained(error) from error
        except Exception:
            self._undo()
            raise
        self._finish()

    def _make(self) -> None:
        leftovers.settle(self._node, self._asked.vmid)
        disks = self._make_disks()
        file = self._file()
        path = self._node.storages.file_path(self._asked.template)
        self._task.log(f"extracting archive '{path}'")
        found = archives.content(file) if file else None
        config = self._final(disks, self._ostype(found))
        image = self._image(file)
        spec = guest_spec.build(
            self._node, self._asked.vmid, config, image=image, keys=self._asked.keys, password=self._asked.password
        )
        self._node.runtime.create(spec, self._task.log)
        self._task.log(f"Detected container architecture: {config['arch']}")
        origin = {"image": image, "template": self._asked.template, "systemd": found.systemd if found else None}
        self._node.store.table(guest_spec.IMAGE_TABLE).put(str(self._asked.vmid), origin)
        warn_nesting(self._node, origin, config, self._task)
        self._node.guests.end(Guest(self._asked.vmid, config))
        if self._asked.pool:
            self._node.pools.add_guest(self._asked.pool, self._asked.vmid)

    def _make_disks(self) -> dict[str, str]:
        texts: dict[str, str] = {}
        for disk in guest_disks.of_config(self._node, self._asked.disks):
            written = guest_disks.make(self._node, self._asked.vmid, disk, self._task.log)
            if written.volume != disk.volume:
                self._made.append(written.volume)
            texts[disk.key] = guest_disks.render(self._node, written)
        return texts

    def _file(self) -> Path | None:
        """The template's file; None for one that has none, because the runtime has it in another form."""
        volume = self._asked.template
        if ":" not in volume:
            raise self._logged(f"can't find file '{volume}'")
        uploads.discover(self._node, self._node.storages.need(storages.split_volid(volume)[0]))
        if self._node.storages.volumes.get(volume) is None:
            raise self._logged(f"volume '{volume}' does not exist")
        file = uploads.file_of(self._node, volume)
        return file if file is not None and file.exists() else None

    def _image(self, file: Path | None) -> str:
        runtime = self._node.runtime
        if file is not None and isinstance(runtime, ImportingRuntime):
            return runtime.import_template(file, self._task.log)
        image = runtime.resolve_template(self._asked.template.rpartition("/")[2])
        if image is None:
            raise ArchiveError("exit code 2")
        return image

    def _logged(self, text: str) -> ApiError:
        self._task.log(text)
        return failure(text)

    def _final(self, disks: Mapping[str, str], ostype: str) -> dict[str, str]:
        defaults = {"hostname": f"CT{self._asked.vmid}", "memory": "512", "swap": "512"}
        found = {"ostype": ostype, "arch": keys.machine_architecture()}
        return {**defaults, **self._options, **{k: v for k, v in found.items() if v}, **disks}

    def _ostype(self, found: archives.Content | None) -> str:
        """What the template is, whatever was asked for: by its files, or by its name when the runtime has it."""
        asked = self._options.get("ostype")
        if found is None:
            name = self._asked.template.rpartition("/")[2].partition("-")[0]
            named = name if name in distributions.TYPES else "debian"
            return distributions.agreed(named, asked, self._task.log)
        return distributions.detect(found.files, asked, self._task.log)

    def _undo(self) -> None:
        leftovers.remove(self._node, self._asked.vmid, self._task.append)
        for volid in self._made:
            self._node.storages.volumes.delete(volid)
        self._node.guests.remove(self._asked.vmid)

    def _explained(self, error: HarnessError) -> ApiError:
        text = str(error).strip()
        if isinstance(error, (ArchiveError, InterruptedTaskError)):
            text = f"command '{_UNPACK.format(self._asked.vmid)}' failed: {text}"
        return failure(f"unable to create CT {self._asked.vmid} - {text}")

    def _finish(self) -> None:
        if self._asked.start:
            guest_power.start_now(self._node, self._asked.vmid, self._task.log)
        manage(self._node, self._asked, self._task)


def manage(node: Node, asked: Request, task: Task) -> None:
    """Note a resource of high availability when that was asked for."""
    if asked.managed:
        task.log("Add as HA resource")
        state = "started" if asked.start else "stopped"
        node.store.table("ha").put(f"ct:{asked.vmid}", {"state": state})


def warn_nesting(node: Node, origin: Mapping[str, Any], config: Mapping[str, str], task: Task) -> None:
    """Warn, as PVE does, where a systemd wants nesting and the container has it not."""
    template = str(origin.get("template", ""))
    version = origin.get("systemd") or next((v for name, v in _WANTS_NESTING.items() if name in template), 0)
    nested = guest_spec.features(node, config.get("features", "")).get("nesting") == "1"
    if version > _NO_NESTING and not nested and config.get("ostype") != distributions.UNMANAGED:
        task.warn(f"Systemd {version} detected. You may need to enable nesting.")
