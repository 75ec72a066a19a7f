"""The runtime of the embedded node: every CT a Docker container that runs systemd."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from docker import errors as docker_errors
from docker.client import DockerClient

from harness.embedded.engine import client as engine
from harness.embedded.engine import image, labels, options
from harness.embedded.node.docker import (
    cleanup,
    codec,
    devices,
    files,
    hotplug,
    inits,
    interfaces,
    limits,
    templates,
)
from harness.embedded.node.docker.archives import Archives
from harness.embedded.node.docker.bridges import Bridges
from harness.embedded.node.docker.commits import Commits
from harness.embedded.node.docker.containers import Containers, nothing_more
from harness.embedded.node.docker.copies import Copies
from harness.embedded.node.docker.imports import Imports, is_foreign
from harness.embedded.node.docker.names import Names
from harness.embedded.node.docker.ownership import Owner
from harness.embedded.node.docker.reader import Reader
from harness.embedded.node.docker.specs import Specs
from harness.embedded.node.docker.tools import Tools
from harness.embedded.node.docker.volumes import Volumes
from harness.embedded.node.docker.watch import Watch
from harness.embedded.node.runtime import (
    ArchiveError,
    Bridge,
    GuestError,
    GuestInterface,
    GuestNet,
    GuestSpec,
    GuestState,
    Log,
    Template,
    UnknownTemplateError,
)
from harness.kit import clock
from harness.kit.errors import DeadlineError, HarnessError
from harness.kit.files import private_directory

_STOP_GRACE_SECONDS = 2.0
"""A stop first lets systemd close files; Proxmox VE kills at once, and a commit of half-written files helps nobody."""
_KILL_SECONDS = 10.0
_ASK_AGAIN_SECONDS = 3.0
_ADDRESSES = ["ip", "-j", "address"]
_PENDING_PREFIXES = ("mp", "dev")
_PENDING = frozenset({"nameserver", "searchdomain", "features", "unprivileged"})


def _silent(_line: str) -> None:
    """For work that has no task log."""


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
            spec = self._specs.load(vmid)
            present = self._containers.get(vmid)
            if present["State"]["Running"]:
                return
            if present["Config"]["Labels"].get(labels.SPEC) != codec.fingerprint(spec):
                self._containers.recreate(spec, log)
            self._start(spec)
            self._after_start(spec)

    def _start(self, spec: GuestSpec) -> None:
        failed = f"startup for container '{spec.vmid}' failed"
        try:
            self._api.start(self._names.container(spec.vmid))
        except docker_errors.APIError as refused:
            if is_foreign(spec.image):
                raise GuestError(failed, detail=str(refused.explanation)) from refused
            raise
        if is_foreign(spec.image) and not self._has_begun(spec.vmid):
            raise GuestError(failed, hint="its archive has no /sbin/init that runs")

    def _has_begun(self, vmid: int) -> bool:
        """Whether the init of a container that was just started has taken over and lives."""

        def settled() -> bool:
            state = self._containers.get(vmid)["State"]
            return not state["Running"] or not inits.is_starting(int(state["Pid"]))

        clock.wait_until(settled, clock.Deadline(_KILL_SECONDS), f"start of CT {vmid}", longest_pause=0.1)
        return bool(self._containers.get(vmid)["State"]["Running"])

    def _after_start(self, spec: GuestSpec) -> None:
        script = devices.permission_script(spec.devices)
        if script:
            self._execute(spec.vmid, ["sh", "-c", script])
        self._name_interfaces(spec.vmid, interfaces.named_otherwise(spec.nets))
        self._watch.started(spec.vmid)

    def _name_interfaces(self, vmid: int, nets: Sequence[GuestNet]) -> None:
        command = interfaces.renaming(nets)
        if command:
            self._execute(vmid, command)

    def stop(self, vmid: int) -> None:
        with self._errors():
            if not self._signal(vmid, self._halt(vmid)):
                return
            try:
                self._wait_stopped(vmid, _STOP_GRACE_SECONDS)
            except DeadlineError:
                self._signal(vmid, "SIGKILL")
                self._wait_stopped(vmid, _KILL_SECONDS)

    def shutdown(self, vmid: int, timeout: float) -> None:
        with self._errors():
            deadline = clock.Deadline(timeout)
            # Asked again and again: an init that has not set up its signals yet misses the first request.
            while self._signal(vmid, self._halt(vmid)):
                try:
                    self._wait_stopped(vmid, min(_ASK_AGAIN_SECONDS, deadline.remaining))
                except DeadlineError as late:
                    if deadline.passed:
                        text = f"CT {vmid} still runs {timeout:g} s after it was asked to shut down"
                        raise GuestError(text) from late

    def _halt(self, vmid: int) -> str:
        return inits.halt_signal(self._watch.state(vmid).pid)

    def _signal(self, vmid: int, signal: str) -> bool:
        """Send a signal to a container's init; False when it does not run."""
        try:
            self._api.kill(self._names.container(vmid), signal)
        except docker_errors.NotFound:
            return False
        except docker_errors.APIError as refused:
            if refused.status_code == 409:  # not running
                return False
            raise
        return True

    def _wait_stopped(self, vmid: int, seconds: float) -> None:
        def stopped() -> bool:
            found = self._containers.find(vmid)
            return found is None or not found["State"]["Running"]

        clock.wait_until(stopped, clock.Deadline(seconds), f"end of CT {vmid}", longest_pause=0.1)
        self._watch.ended(vmid)

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
            for name in set(self._containers.snapshots(vmid)) - snapshots:
                self._remove_snapshot(self._names.snapshot(vmid, name))
            self._volumes.keep_only(vmid, snapshots)

    # Changes

    def update(self, spec: GuestSpec, changed: frozenset[str]) -> frozenset[str]:
        with self._errors():
            present = self._containers.get(spec.vmid)
            running = bool(present["State"]["Running"])
            self._check(spec)
            if changed & limits.KEYS:
                self._api.update_container(present["Id"], **limits.limits(spec, self._facts))
            if any(key.startswith("net") for key in changed):
                self._reconnect(present, spec)
            if running and "hostname" in changed:
                self._rename_host(spec)
            late = frozenset(key for key in changed if waits(key)) if running else frozenset()
            plugged = self._plug(present, spec, late) if late else frozenset()
            self._specs.save(spec)
            return late - plugged

    def _plug(self, present: Mapping[str, Any], spec: GuestSpec, late: frozenset[str]) -> frozenset[str]:
        """Mount what is new into the running container, where that can be; the keys of what was mounted.

        Docker does not know of it: the next start makes the container anew, with the mount.
        """
        known = {mount.key for mount in self._specs.load(spec.vmid).mounts}
        new = [mount for mount in spec.mounts if mount.key in late - known]
        pid, container = int(present["State"]["Pid"]), str(present["Id"])
        plugged = set[str]()
        for mount in new:
            source = self._volumes.place(spec.vmid, mount)
            if hotplug.is_possible(pid, container, source) and hotplug.plug(
                pid, source, mount.target, read_only=mount.read_only
            ):
                plugged.add(mount.key)
        return frozenset(plugged)

    def _reconnect(self, present: Mapping[str, Any], spec: GuestSpec) -> None:
        running = present["State"]["Running"]

        def release(address: str) -> None:
            self._execute(spec.vmid, interfaces.removal(address))

        self._bridges.reconnect(present["Id"], spec.nets, _silent, release if running else None)
        self._bridges.tidy()
        if running:
            self._name_interfaces(spec.vmid, spec.nets)

    def _check(self, spec: GuestSpec) -> None:
        """Raise for a device or bind mount that a later start would fail on."""
        devices.mappings(spec.devices)
        for mount in spec.mounts:
            if mount.kind == "bind":
                self._volumes.bind_source(mount)

    def _rename_host(self, spec: GuestSpec) -> None:
        script = 'hostname "$1" && printf "%s\\n" "$1" > /etc/hostname'
        self._execute(spec.vmid, ["sh", "-c", script, "sh", spec.hostname])

    def delete_volume(self, vmid: int, source: str) -> None:
        """Remove a volume that no configuration names any more; an unknown one is no error."""
        with self._errors():
            if self._volumes.exists(vmid, source):
                self._let_go(vmid, source)
                self._volumes.delete(vmid, source)

    def _let_go(self, vmid: int, source: str) -> None:
        """Make a stopped container anew that still has a volume; a running one keeps it, and the engine says so."""
        present = self._containers.find(vmid)
        name = self._names.volume(source)
        if present is None or present["State"]["Running"] or name not in _volume_names(present):
            return
        spec = self._specs.load(vmid)
        kept = tuple(mount for mount in spec.mounts if self._names.volume(mount.source) != name)
        spec = dataclasses.replace(spec, mounts=kept)
        self._containers.recreate(spec, _silent)
        self._specs.save(spec)

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
                self._need_snapshot(source, snapshot)
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
            spec = self._specs.load(vmid)
            present = self._containers.get(vmid)
            try:
                with self._containers.paused(present):
                    log(f"keeping the file system of CT {vmid} as '{name}'")
                    tag = self._names.snapshot(vmid, name).rpartition(":")[2]
                    self._commits.commit(present["Id"], vmid, tag, **{labels.SNAPSHOT: name})
                    self._volumes.keep(vmid, name, spec.mounts)
            except BaseException:
                self._forget_snapshot(vmid, name)
                raise

    def _need_snapshot(self, vmid: int, name: str) -> str:
        kept = self._names.snapshot(vmid, name)
        if not image.exists(self._client, kept):
            raise GuestError(f"snapshot '{name}' of CT {vmid} does not exist")
        return kept

    def rollback(self, vmid: int, name: str, spec: GuestSpec, log: Log) -> None:
        kept = self._need_snapshot(vmid, name)
        self.stop(vmid)
        with self._errors():
            log(f"bringing back '{name}'")
            self._volumes.bring_back(vmid, name, spec.mounts)
            self._containers.replace(spec, kept, nothing_more, log)
            self._specs.save(spec)

    def delete_snapshot(self, vmid: int, name: str) -> None:
        with self._errors():
            self._forget_snapshot(vmid, name)

    def _forget_snapshot(self, vmid: int, name: str) -> None:
        self._remove_snapshot(self._names.snapshot(vmid, name))
        self._volumes.forget(vmid, name)

    def _remove_snapshot(self, kept: str) -> None:
        # A snapshot that the container was rolled back to is the ground it stands on: then only the name goes.
        if not cleanup.remove_image(self._api, kept):
            self._api.remove_image(kept, force=True)

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
                output = self._execute(vmid, _ADDRESSES)
            except GuestError:  # it has no ip(8), or another one
                output = self._tools.beside(self._names.container(vmid), _ADDRESSES)
        return [_interface(entry) for entry in json.loads(output)]

    def _execute(self, vmid: int, command: list[str]) -> str:
        made = self._api.exec_create(self._names.container(vmid), command)
        output: bytes = self._api.exec_start(made["Id"])
        code = self._api.exec_inspect(made["Id"])["ExitCode"]
        text = output.decode(errors="replace")
        if code != 0:
            raise GuestError(f"CT {vmid}: {command[0]} ended with {code}: {text.strip()}")
        return text

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


def _volume_names(present: Mapping[str, Any]) -> set[str]:
    return {mount["Name"] for mount in present.get("Mounts") or () if mount.get("Type") == "volume"}


def waits(key: str) -> bool:
    """Whether a changed configuration key takes effect only at the next start of a running container."""
    return key in _PENDING or (key.startswith(_PENDING_PREFIXES) and key[-1].isdigit())


def _interface(entry: Mapping[str, Any]) -> GuestInterface:
    """One element of ``ip -j address``."""
    addresses = [(info["family"], f"{info['local']}/{info['prefixlen']}") for info in entry.get("addr_info", ())]
    return GuestInterface(
        name=entry["ifname"],
        hwaddr=entry.get("address", "00:00:00:00:00:00"),
        inet=tuple(address for family, address in addresses if family == "inet"),
        inet6=tuple(address for family, address in addresses if family == "inet6"),
    )
