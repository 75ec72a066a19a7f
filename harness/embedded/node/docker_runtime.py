"""The runtime of the embedded node: every CT a Docker container that runs systemd."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from docker import errors as docker_errors
from docker.client import DockerClient

from harness.embedded.engine import client as engine
from harness.embedded.engine import image, labels, options
from harness.embedded.node.docker import cleanup, codec, devices, limits, templates
from harness.embedded.node.docker.bridges import Bridges
from harness.embedded.node.docker.containers import Containers
from harness.embedded.node.docker.names import Names
from harness.embedded.node.docker.ownership import Owner
from harness.embedded.node.docker.volumes import Volumes
from harness.embedded.node.docker.watch import Watch
from harness.embedded.node.runtime import (
    Bridge,
    GuestError,
    GuestInterface,
    GuestSpec,
    GuestState,
    Log,
    Template,
    UnknownTemplateError,
)
from harness.kit import clock
from harness.kit.errors import DeadlineError, HarnessError
from harness.kit.files import private_directory, write_atomic

_STOP_GRACE_SECONDS = 2.0
"""A stop first lets systemd close files; Proxmox VE kills at once, and a commit of half-written files helps nobody."""
_KILL_SECONDS = 10.0
_ASK_AGAIN_SECONDS = 3.0
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
        self._specs = private_directory(state / "runtime")
        self._ca_bundle = ca_bundle
        self._names = Names(name)
        with self._errors():
            self._facts = options.read_facts(self._api.info())
        chosen = options.choose(self._facts)
        if chosen.problem:
            raise GuestError(chosen.problem)
        self._owner = Owner.of(self._state)
        self._bridges = Bridges(self._api, self._names, self._owner.label)
        self._volumes = Volumes(self._api, self._names, private_directory(state / "root"))
        self._containers = Containers(self._api, self._names, self._facts, chosen, (self._bridges, self._volumes))
        self._fetched = templates.Fetched(self._specs / "templates.json")
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
            for bridge in bridges:
                self._bridges.prepare(bridge)
            self._bridges.tidy()

    # Life and death

    def create(self, spec: GuestSpec, log: Log) -> None:
        with self._errors():
            try:
                self._containers.create(spec, log)
            except BaseException:
                self._volumes.forget(spec.vmid)
                raise
            self._save(spec)
            self._watch.forget_list()

    def start(self, vmid: int, log: Log) -> None:
        with self._errors():
            spec = self._load(vmid)
            present = self._containers.get(vmid)
            if present["State"]["Running"]:
                return
            if present["Config"]["Labels"].get(labels.SPEC) != codec.fingerprint(spec):
                self._containers.recreate(spec, log)
            self._api.start(self._names.container(vmid))
            self._after_start(spec)

    def _after_start(self, spec: GuestSpec) -> None:
        script = devices.permission_script(spec.devices)
        if script:
            self._execute(spec.vmid, ["sh", "-c", script])
        self._watch.started(spec.vmid)

    def stop(self, vmid: int) -> None:
        with self._errors():
            if not self._signal(vmid, "SIGRTMIN+3"):
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
            while self._signal(vmid, "SIGRTMIN+3"):
                try:
                    self._wait_stopped(vmid, min(_ASK_AGAIN_SECONDS, deadline.remaining))
                except DeadlineError as late:
                    if deadline.passed:
                        text = f"CT {vmid} still runs {timeout:g} s after it was asked to shut down"
                        raise GuestError(text) from late

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
            for name in (self._names.container(vmid), self._names.making(vmid), self._names.next(vmid)):
                self._containers.remove(name)
            self._watch.ended(vmid)
            self._watch.forget_list()
            cleanup.remove_images(self._api, labels.of_guest(self._names.instance, vmid))
            self._volumes.forget(vmid)
            self._bridges.tidy()
            self._spec_file(vmid).unlink(missing_ok=True)

    # Changes

    def update(self, spec: GuestSpec, changed: frozenset[str]) -> frozenset[str]:
        with self._errors():
            present = self._containers.get(spec.vmid)
            running = bool(present["State"]["Running"])
            self._check(spec)
            if changed & limits.KEYS:
                self._api.update_container(present["Id"], **limits.limits(spec, self._facts))
            if any(key.startswith("net") for key in changed):
                self._bridges.reconnect(present["Id"], spec.nets, _silent)
                self._bridges.tidy()
            if running and "hostname" in changed:
                self._rename_host(spec)
            self._save(spec)
            return frozenset(key for key in changed if waits(key)) if running else frozenset()

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
            self._volumes.delete(vmid, source)

    def resize(self, vmid: int, key: str, size_bytes: int) -> None:
        """Nothing to do: Docker's volumes and layers grow by themselves, and the node remembers the size."""

    # Snapshots

    def snapshot(self, vmid: int, name: str, log: Log) -> None:
        with self._errors():
            spec = self._load(vmid)
            present = self._containers.get(vmid)
            with self._paused(present):
                log(f"keeping the file system of CT {vmid} as '{name}'")
                tag = self._names.snapshot(vmid, name).rpartition(":")[2]
                self._containers.commit(present["Id"], vmid, tag, **{labels.SNAPSHOT: name})
                self._volumes.keep(vmid, name, spec.mounts, spec.image)

    @contextmanager
    def _paused(self, present: Mapping[str, Any]) -> Iterator[None]:
        """Hold a running container still, so that file system and volumes are of one moment."""
        if not present["State"]["Running"]:
            yield
            return
        self._api.pause(present["Id"])
        try:
            yield
        finally:
            self._api.unpause(present["Id"])

    def rollback(self, vmid: int, name: str, spec: GuestSpec, log: Log) -> None:
        kept = self._names.snapshot(vmid, name)
        if not image.exists(self._client, kept):
            raise GuestError(f"snapshot '{name}' of CT {vmid} does not exist")
        self.stop(vmid)
        with self._errors():
            log(f"bringing back '{name}'")
            self._volumes.bring_back(vmid, name, spec.mounts, kept)
            self._containers.replace(spec, kept, log)
            self._save(spec)

    def delete_snapshot(self, vmid: int, name: str) -> None:
        with self._errors():
            # A snapshot that the container was rolled back to is the ground it stands on: then only the name goes.
            kept = self._names.snapshot(vmid, name)
            if not cleanup.remove_image(self._api, kept):
                self._api.remove_image(kept, force=True)
            self._volumes.forget(vmid, name)

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
            output = self._execute(vmid, ["ip", "-j", "address"])
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

    def resolve_template(self, name: str) -> str | None:
        ref = self._fetched.all().get(name)
        return ref if ref and image.exists(self._client, ref) else None

    def forget_template(self, name: str) -> None:
        self._fetched.remove(name)

    # Own files

    def _spec_file(self, vmid: int) -> Path:
        return self._specs / f"{vmid}.json"

    def _save(self, spec: GuestSpec) -> None:
        write_atomic(self._spec_file(spec.vmid), codec.encode(spec), mode=0o600)

    def _load(self, vmid: int) -> GuestSpec:
        try:
            return codec.decode(self._spec_file(vmid).read_text())
        except FileNotFoundError as missing:
            raise GuestError(f"CT {vmid} is unknown to the runtime") from missing

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
