"""One Docker container for one guest: made in steps that a crash cannot leave half done.

A container is made under a passing name and gets its own only when it is complete; ``settle`` finishes or removes what
a killed node left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from docker import errors as docker_errors
from docker.types import Mount

from harness.embedded.engine import labels
from harness.embedded.engine.options import CGROUP, ContainerOptions, EngineFacts
from harness.embedded.node.docker import cleanup, codec, devices, files, limits, setup
from harness.embedded.node.docker.bridges import Bridges
from harness.embedded.node.docker.commits import Commits
from harness.embedded.node.docker.imports import is_foreign
from harness.embedded.node.docker.names import Names
from harness.embedded.node.docker.volumes import Volumes
from harness.embedded.node.runtime import GuestError, GuestNet, GuestSpec, Log

_STATE = "state-"
"""Tags of images that a container stands on and nobody asked for: they go with the container that needs them."""
CLONED = f"{_STATE}cloned"
RESTORED = f"{_STATE}restored"

_INIT_MAY = ("SYS_BOOT",)
"""An init that is not systemd ends by telling the kernel to power off, which reaches its own namespace only."""
Laying = Callable[[setup.Inside], Sequence[files.File]]
"""Tells which files are laid into a container, by what is in it."""
Parts = tuple[Bridges, Volumes, Commits]


def nothing_more(_inside: setup.Inside) -> Sequence[files.File]:
    """For a container that has all its files."""
    return ()


class Containers:
    """Makes, replaces and removes the containers of one node."""

    def __init__(self, api: Any, names: Names, facts: EngineFacts, options: ContainerOptions, parts: Parts) -> None:
        self._api = api
        self._names = names
        self._facts = facts
        self._options = options
        self._bridges, self._volumes, self._commits = parts

    def find(self, vmid: int) -> Mapping[str, Any] | None:
        """What the engine knows of a guest's container, or None."""
        return self._inspect(self._names.container(vmid))

    def get(self, vmid: int) -> Mapping[str, Any]:
        """Like ``find``; raises ``GuestError`` when there is none."""
        found = self.find(vmid)
        if found is None:
            raise GuestError(f"the container of CT {vmid} is gone", hint="it was removed outside of the node")
        return found

    def create(self, spec: GuestSpec, log: Log) -> None:
        """Make a guest's first container, with host key, root's key and password."""
        self.check_absent(spec.vmid)
        self.place(spec, spec.image, lambda inside: setup.first_files(inside, spec), log)

    def check_absent(self, vmid: int) -> None:
        """Raise ``GuestError`` when a guest has a container."""
        if self.find(vmid) is not None:
            raise GuestError(f"the Docker container {self._names.container(vmid)} exists already")

    def place(self, spec: GuestSpec, image: str, more: Laying, log: Log) -> None:
        """Make a guest's first container from an image, with some files laid in."""
        made = self._make(spec, image, log)
        try:
            self._lay(made, more)
            self._api.rename(made, self._names.container(spec.vmid))
        except BaseException:
            self.remove(made)
            raise

    def _lay(self, made: str, more: Laying) -> None:
        laid = more(setup.Inside(self._api, made))
        if laid:
            self._api.put_archive(made, "/", files.archive(laid))

    def replace(self, spec: GuestSpec, image: str, more: Laying, log: Log) -> None:
        """Put a new container of ``image`` in the place of the present one, which must be stopped."""
        made = self._make(spec, image, log)
        try:
            self._lay(made, more)
            self._api.rename(made, self._names.next(spec.vmid))
        except BaseException:
            self.remove(made)
            raise
        self._promote(spec.vmid)
        self.prune(spec.vmid)

    def recreate(self, spec: GuestSpec, log: Log) -> None:
        """Make a stopped container anew with its present content, for changes that Docker knows no other way to."""
        log("making the container anew with its content: mounts, devices or names have changed")
        present = self.get(spec.vmid)
        image = self._commits.commit(present["Id"], spec.vmid, f"{_STATE}{codec.fingerprint(spec)}")
        self.replace(spec, image, nothing_more, log)

    def remove(self, container: str) -> None:
        """Remove a container, running or not, with its anonymous volumes; a missing one is no error."""
        cleanup.remove_container(self._api, container)

    def settle(self) -> None:
        """Finish or remove what an earlier node was killed in the middle of."""
        for found in self._api.containers(all=True, filters=labels.of_instance(self._names.instance)):
            self._settle(found)
        self.prune()

    def _settle(self, found: Mapping[str, Any]) -> None:
        vmid = int(found["Labels"].get(labels.VMID, 0))
        name = found["Names"][0].lstrip("/")
        if vmid and name == self._names.next(vmid):
            self._promote(vmid)
        elif not vmid or name != self._names.container(vmid):
            self.remove(found["Id"])
        elif found["State"] == "paused":
            self._api.unpause(found["Id"])

    def prune(self, vmid: int | None = None) -> None:
        """Remove the images that containers stood on once and none does now; of one container, or of all."""
        instance = self._names.instance
        wanted = labels.of_guest(instance, vmid) if vmid else labels.of_instance(instance)
        for found in self._api.images(filters=wanted):
            for ref in cleanup.references(found):
                if ref == found["Id"] or _is_state(ref):
                    cleanup.remove_image(self._api, ref)

    def snapshots(self, vmid: int) -> dict[str, str]:
        """The images that keep snapshots of a guest, by the snapshot's name."""
        prefix = self._names.snapshot(vmid, "")
        images = self._api.images(filters=labels.of_guest(self._names.instance, vmid))
        tags = [ref for found in images for ref in cleanup.references(found)]
        return {tag.removeprefix(prefix): tag for tag in tags if tag.startswith(prefix)}

    @contextmanager
    def paused(self, present: Mapping[str, Any]) -> Iterator[None]:
        """Hold a running container still, so that file system and volumes are of one moment."""
        if not present["State"]["Running"]:
            yield
            return
        self._api.pause(present["Id"])
        try:
            yield
        finally:
            self._api.unpause(present["Id"])

    def _promote(self, vmid: int) -> None:
        self.remove(self._names.container(vmid))
        self._api.rename(self._names.next(vmid), self._names.container(vmid))

    def _make(self, spec: GuestSpec, image: str, log: Log) -> str:
        """A complete container under its passing name; its id."""
        limits.explain(spec, self._facts, log)
        places = list(self._bridges.places(spec.nets, log).values())
        name = self._names.making(spec.vmid)
        self.remove(name)
        try:
            made: str = self._api.create_container_from_config(self._config(spec, image, places[:1], log), name)["Id"]
        except docker_errors.ImageNotFound as missing:
            raise GuestError(f"image {image} is gone", hint="download the template again") from missing
        try:
            for net, place in places[1:]:
                self._bridges.connect(made, net, place)
        except BaseException:
            self.remove(made)
            raise
        return made

    def _config(self, spec: GuestSpec, image: str, first: Sequence[tuple[GuestNet, Any]], log: Log) -> Any:
        networking = {place.network: self._bridges.endpoint(net, place) for net, place in first}
        return self._api.create_container_config(
            image,
            list(self._options.command),
            hostname=spec.hostname,
            entrypoint=[],
            environment=dict(self._options.environment),
            labels=self._names.labels(spec.vmid, **{labels.SPEC: codec.fingerprint(spec)}),
            stop_signal="SIGRTMIN+3",
            mac_address=self._bridges.mac_of_container(tuple(net for net, _ in first)),
            networking_config={"EndpointsConfig": networking} if networking else None,
            host_config=self._host_config(spec, next(iter(networking), "none"), log),
        )

    def _host_config(self, spec: GuestSpec, network: str, log: Log) -> Any:
        mounts = self._volumes.mounts(spec.vmid, spec.mounts, log)
        if self._options.host_cgroup:
            mounts.append(Mount(CGROUP, CGROUP, type="bind"))
        return self._api.create_host_config(
            cap_add=[*self._options.cap_add, *(_INIT_MAY if is_foreign(spec.image) else ())],
            security_opt=list(self._options.security_opt),
            tmpfs=dict(self._options.tmpfs),
            mounts=mounts,
            devices=devices.mappings(spec.devices),
            dns=spec.nameserver.split() if spec.nameserver else None,
            dns_search=spec.searchdomain.split() if spec.searchdomain else None,
            network_mode=network,
            cgroupns=self._options.cgroupns,
            userns_mode=self._options.userns_mode,
            **limits.limits(spec, self._facts),
        )

    def _inspect(self, name: str) -> Mapping[str, Any] | None:
        try:
            found: Mapping[str, Any] = self._api.inspect_container(name)
        except docker_errors.NotFound:
            return None
        return found


def _is_state(tag: str) -> bool:
    return tag.rpartition(":")[2].startswith(_STATE)
