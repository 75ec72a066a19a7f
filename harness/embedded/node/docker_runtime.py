"""The runtime of the embedded node: every CT a Docker container that runs systemd."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from docker.client import DockerClient

from harness.embedded.engine import client as engine
from harness.embedded.engine import image, labels, options
from harness.embedded.node.docker import cleanup, files, templates
from harness.embedded.node.docker.archives import Archives
from harness.embedded.node.docker.bridges import Bridges
from harness.embedded.node.docker.changes import Changes
from harness.embedded.node.docker.commands import Commands
from harness.embedded.node.docker.commits import Commits
from harness.embedded.node.docker.containers import Containers
from harness.embedded.node.docker.copies import Copies
from harness.embedded.node.docker.holdings import Holdings
from harness.embedded.node.docker.imports import Imports
from harness.embedded.node.docker.names import Names
from harness.embedded.node.docker.ownership import Owner
from harness.embedded.node.docker.power import Power
from harness.embedded.node.docker.reader import Reader
from harness.embedded.node.docker.snapshots import Snapshots
from harness.embedded.node.docker.specs import Specs
from harness.embedded.node.docker.tools import Tools
from harness.embedded.node.docker.volumes import Volumes
from harness.embedded.node.docker.watch import Watch
from harness.embedded.node.runtime import (
    ArchiveError,
    Bridge,
    GuestError,
    GuestInterface,
    GuestSpec,
    GuestState,
    Log,
    Template,
    UnknownTemplateError,
)
from harness.kit.errors import HarnessError
from harness.kit.files import private_directory

_ADDRESSES = ["ip", "-j", "address"]


class DockerRuntime:
    """Containers of the node ``name``, whose own files lie in ``state``."""

    def __init__(self, state: Path, name: str, client: DockerClient, *, ca_bundle: Path | None = None) -> None:
        self._client = client
        self._api: Any = client.api  # the type stubs leave much of it out
        self._state = private_directory(state)
        own = private_directory(state / "runtime")
        self._specs = Specs(own)
        self._ca_bundle = ca_bundle
        self._names = Names(name)
        with self._errors():
            self._facts = options.read_facts(self._api.info())
        chosen = options.choose(self._facts)
        if chosen.problem:
            raise GuestError(chosen.problem)
        self._owner = Owner.of(self._state)
        self._bridges = Bridges(self._api, self._names, self._owner.label)
        tools = Tools(client, self._names, chosen)
        self._volumes = Volumes(self._api, self._names, private_directory(state / "root"), tools)
        self._commits = Commits(self._api, self._names, tools)
        parts = self._bridges, self._volumes, self._commits
        self._containers = Containers(self._api, self._names, self._facts, chosen, parts)
        self._copies = Copies(self._api, self._names, self._containers, (self._commits, self._volumes))
        self._imports = Imports(self._api, self._names)
        reader = Reader(self._api, self._names, chosen, tools)
        self._archives = Archives(self._names, reader, self._imports, own / "parts")
        self._tools = tools
        self._fetched = templates.Fetched(own / "templates.json")
        self._watch = Watch(self._api, self._names)
        self._commands = Commands(self._api, self._names)
        held = Holdings(
            api=self._api,
            names=self._names,
            containers=self._containers,
            volumes=self._volumes,
            bridges=self._bridges,
            specs=self._specs,
            watch=self._watch,
            commands=self._commands,
        )
        self._power = Power(held)
        self._changes = Changes(held, self._facts)
        self._snapshots = Snapshots(held, self._commits)

    # Networks

    def prepare_bridges(self, bridges: Sequence[Bridge]) -> None:
        """Make or find the networks; also finishes or removes what a killed node left half done.

        Raises ``GuestError`` when the node's name belongs to another checkout. What a removed checkout left is removed.
        """
        with self._errors():
            if not self._owner.check(self._bridges.all(), self._names.instance):
                cleanup.remove_all(self._client, self._names.instance)
            self._containers.settle()
            self._archives.tidy()
            self._specs.tidy()
            for bridge in bridges:
                self._bridges.prepare(bridge)
            self._bridges.tidy()

    # Life and death

    def create(self, spec: GuestSpec, log: Log) -> None:
        with self._errors(), self._making(spec):
            self._containers.create(spec, log)

    @contextmanager
    def _making(self, spec: GuestSpec) -> Iterator[None]:
        """A new container is being made: complete in the end, or nothing of it is left."""
        self._containers.check_absent(spec.vmid)
        try:
            yield
            self._specs.save(spec)
        except BaseException:
            self._clear(spec.vmid)
            raise
        self._watch.forget_list()

    def _clear(self, vmid: int) -> None:
        """Remove everything that Docker has of a container."""
        for name in (self._names.container(vmid), self._names.making(vmid), self._names.next(vmid)):
            self._containers.remove(name)
        cleanup.remove_images(self._api, labels.of_guest(self._names.instance, vmid))
        self._volumes.forget(vmid)

    def start(self, vmid: int, log: Log) -> None:
        with self._errors():
            self._power.start(vmid, log)

    def stop(self, vmid: int) -> None:
        with self._errors():
            self._power.stop(vmid)

    def shutdown(self, vmid: int, timeout: float) -> None:
        with self._errors():
            self._power.shutdown(vmid, timeout)

    def delete(self, vmid: int) -> None:
        with self._errors():
            self._clear(vmid)
            self._watch.ended(vmid)
            self._watch.forget_list()
            self._bridges.tidy()
            self._specs.forget(vmid)

    def mend(self, vmid: int, snapshots: frozenset[str]) -> None:
        """Remove what belongs to none of the snapshots that a container has."""
        with self._errors():
            self._snapshots.keep_only(vmid, snapshots)

    # Changes

    def update(self, spec: GuestSpec, changed: frozenset[str]) -> frozenset[str]:
        with self._errors():
            return self._changes.update(spec, changed)

    def delete_volume(self, vmid: int, source: str) -> None:
        """Remove a volume that no configuration names any more; an unknown one is no error."""
        with self._errors():
            self._changes.delete_volume(vmid, source)

    def resize(self, vmid: int, key: str, size_bytes: int) -> None:
        """Remember the size. Docker's volumes and layers grow by themselves up to the disk of this machine."""
        spec = self._specs.load(vmid)
        if key == "rootfs":
            if size_bytes < spec.rootfs_bytes:
                raise GuestError("unable to shrink disk size")
            self._specs.save(dataclasses.replace(spec, rootfs_bytes=size_bytes))

    # Copies and archives

    def clone(self, source: int, snapshot: str | None, spec: GuestSpec, log: Log) -> None:
        """Make a stopped container with the file system of another, or of a snapshot of it."""
        with self._errors():
            origin = self._specs.load(source)
            if snapshot is not None:
                self._snapshots.need(source, snapshot)
            with self._making(spec):
                if snapshot is None:
                    self._copies.clone(origin, spec, log)
                else:
                    self._copies.clone_snapshot(origin, snapshot, spec, log)

    def copy_volume(self, vmid: int, source: str, target: str, log: Log) -> None:
        """Give a volume of a stopped container a second life; a root file system has no volume to copy."""
        with self._errors():
            if self._volumes.exists(vmid, source):
                log(f"copying {source} to {target}")
                self._volumes.copy(self._names.owner(target) or vmid, {target: self._names.volume(source)})

    def archive(self, vmid: int, config: str, path: Path | None, log: Log) -> int:
        """Write file system and configuration to ``path``; returns its bytes. Without a path nothing is written."""
        if path is None:
            return 0
        with self._errors():
            spec = self._specs.load(vmid)
            present = self._containers.get(vmid)
            with self._containers.paused(present):
                return self._archives.write(present, spec, config, path, log)

    def restore(self, spec: GuestSpec, path: Path | None, log: Log, *, over: bool) -> None:
        """Make a stopped container from an archive; ``over``: in the place of another, which stays on failure."""
        if path is None:
            raise ArchiveError("exit code 2")
        with self._errors(), self._remaking(spec) if over else self._making(spec):
            loaded = self._archives.load(spec, path)
            self._volumes.fill(spec, loaded)
            put = self._containers.replace if over else self._containers.place
            put(spec, loaded, lambda _inside: files.root_keys(spec), log)

    @contextmanager
    def _remaking(self, spec: GuestSpec) -> Iterator[None]:
        """A container is made in the place of another: complete in the end, or the other is as it was."""
        self._containers.get(spec.vmid)
        try:
            yield
        except BaseException:
            self._containers.prune(spec.vmid)
            raise
        self._specs.save(spec)

    # Snapshots

    def snapshot(self, vmid: int, name: str, log: Log) -> None:
        with self._errors():
            self._snapshots.make(vmid, name, log)

    def rollback(self, vmid: int, name: str, spec: GuestSpec, log: Log) -> None:
        with self._errors():
            self._snapshots.need(vmid, name)
            self._power.stop(vmid)
            self._snapshots.bring_back(vmid, name, spec, log)

    def delete_snapshot(self, vmid: int, name: str) -> None:
        with self._errors():
            self._snapshots.forget(vmid, name)

    # Looking

    def state(self, vmid: int) -> GuestState:
        with self._errors():
            return self._watch.state(vmid)

    def states(self) -> Mapping[int, GuestState]:
        with self._errors():
            return self._watch.states()

    def interfaces(self, vmid: int) -> Sequence[GuestInterface]:
        with self._errors():
            found = self._containers.find(vmid)
            if found is None or not found["State"]["Running"]:
                return ()
            try:
                output = self._commands.run(vmid, _ADDRESSES)
            except GuestError:  # it has no ip(8), or another one
                output = self._tools.beside(self._names.container(vmid), _ADDRESSES)
        return [_interface(entry) for entry in json.loads(output)]

    # Templates

    def templates(self) -> Sequence[Template]:
        return templates.catalogue(self._facts.architecture)

    def fetch_template(self, name: str, log: Log) -> str:
        release = templates.release_of(name)
        if release is None:
            known = ", ".join(template.name for template in self.templates())
            raise UnknownTemplateError(f"the embedded node has no template {name}", hint=f"it has {known}")
        with self._errors():
            ref = image.ensure_base(self._client, release, log, ca_bundle=self._ca_bundle)
        self._fetched.add(name, ref)
        return ref

    def import_template(self, path: Path, log: Log) -> str:
        """Get a template from its file: the same image for the same file."""
        with self._errors():
            ref = self._imports.template(path)
        log(f"image: {ref}")
        self._fetched.add(path.name, ref)
        return ref

    def resolve_template(self, name: str) -> str | None:
        ref = self._fetched.all().get(name)
        return ref if ref and image.exists(self._client, ref) else None

    def forget_template(self, name: str) -> None:
        ref = self._fetched.all().get(name)
        if ref:
            with self._errors():
                self._imports.forget(ref)
        self._fetched.remove(name)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """The engine's errors in the runtime's words."""
        try:
            with engine.translated("Docker"):
                yield
        except GuestError:
            raise
        except HarnessError as failed:
            raise GuestError(failed.message, hint=failed.hint, detail=failed.detail) from failed


def _interface(entry: Mapping[str, Any]) -> GuestInterface:
    """One element of ``ip -j address``."""
    addresses = [(info["family"], f"{info['local']}/{info['prefixlen']}") for info in entry.get("addr_info", ())]
    return GuestInterface(
        name=entry["ifname"],
        hwaddr=entry.get("address", "00:00:00:00:00:00"),
        inet=tuple(address for family, address in addresses if family == "inet"),
        inet6=tuple(address for family, address in addresses if family == "inet6"),
    )
