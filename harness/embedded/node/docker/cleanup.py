"""Everything a node has in Docker, for whoever stops or removes it while it does not run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docker import errors as docker_errors
from docker.client import DockerClient
from docker.types import Mount

from harness.embedded.engine import client as engine
from harness.embedded.engine import labels
from harness.kit.errors import HarnessError

_GRACE_SECONDS = 5


def guests(client: DockerClient, name: str) -> list[str]:
    """Names of the containers of the node ``name``."""
    with engine.translated("containers of the node"):
        return sorted(entry["Names"][0].lstrip("/") for entry in _containers(client, name) if _is_guest(entry))


def has_guests(client: DockerClient, name: str) -> bool:
    """Whether the node ``name`` has any container."""
    return bool(guests(client, name))


def stop_guests(client: DockerClient, name: str) -> None:
    """Stop the running containers: all are asked before any is waited for."""
    with engine.translated("stopping containers"):
        running = [entry["Id"] for entry in _containers(client, name) if entry["State"] == "running"]
        for container in running:
            _ask_to_stop(client, container)
        for container in running:
            client.api.stop(container, timeout=_GRACE_SECONDS)


def remove_all(client: DockerClient, name: str) -> None:
    """Remove the containers, images, volumes and networks of the node ``name``."""
    api: Any = client.api  # the type stubs leave much of it out
    mine = labels.of_instance(name)
    with engine.translated(f"removing what the node {name} has in Docker"):
        for found in _containers(client, name):
            remove_container(api, found["Id"])
        remove_images(api, mine)
        for volume in api.volumes(filters=mine)["Volumes"] or []:
            api.remove_volume(volume["Name"])
        for network in api.networks(filters=mine):
            api.remove_network(network["Id"])


def remove_container(api: Any, container: str) -> None:
    """Remove a container, running or not, with its anonymous volumes; a missing one is no error."""
    try:
        api.remove_container(container, force=True, v=True)
    except docker_errors.NotFound:
        return


def remove_images(api: Any, wanted: dict[str, list[str]]) -> None:
    """Remove images, children before their parents, whichever order the engine lists them in."""
    left = {ref for found in api.images(filters=wanted) for ref in references(found)}
    while left:
        removed = {ref for ref in left if remove_image(api, ref)}
        if not removed and (named := sorted(ref for ref in left if not ref.startswith("sha256:"))):
            raise HarnessError(f"images still in use: {', '.join(named)}")
        if not removed:  # another container's image stands on what has no name any more, and takes it along one day
            return
        left -= removed


def references(found: Mapping[str, Any]) -> list[str]:
    """The tags of an image, or its id where it has none (older engines then say ``<none>:<none>``)."""
    return [tag for tag in found["RepoTags"] or () if tag != "<none>:<none>"] or [found["Id"]]


def remove_image(api: Any, ref: str) -> bool:
    """Remove an image; False when something stands on it. A missing one is no error."""
    try:
        api.remove_image(ref)
    except docker_errors.ImageNotFound:
        return True
    except docker_errors.APIError as refused:
        if refused.status_code == 409:
            return False
        raise
    return True


def empty_directory(client: DockerClient, name: str, directory: Path) -> None:
    """Empty a directory that containers wrote to as root, also for a user who is not: by a passing container."""
    api: Any = client.api
    if not directory.is_dir() or not any(directory.iterdir()):
        return
    with engine.translated(f"emptying {directory}"):
        found = next((entry["ImageID"] for entry in _containers(client, name)), None)
        if found is None:  # nothing that could have written as root
            return
        mount = Mount("/root-of-node", str(directory.resolve()), type="bind")
        command = ["find", "/root-of-node", "-mindepth", "1", "-delete"]
        host = api.create_host_config(mounts=[mount], network_mode="none")
        run_once(api, found, command, host, name)


def run_once(api: Any, image: str, command: list[str], host_config: Any, name: str) -> str:
    """The output of a command in a container that is removed; raises ``HarnessError`` with it when it fails."""
    marks = {labels.INSTANCE: name}
    made = api.create_container(image, command, entrypoint=[], host_config=host_config, labels=marks)["Id"]
    try:
        api.start(made)
        code = api.wait(made)["StatusCode"]
        output = str(api.logs(made).decode(errors="replace").strip())
        if code != 0:
            raise HarnessError(f"{' '.join(command[:3])} failed in a container", detail=output)
        return output
    finally:
        remove_container(api, made)


def _containers(client: DockerClient, name: str) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = client.api.containers(all=True, filters=labels.of_instance(name))
    return found


def _is_guest(entry: Mapping[str, Any]) -> bool:
    return labels.VMID in entry["Labels"]


def _ask_to_stop(client: DockerClient, container: str) -> None:
    try:
        client.api.kill(container, "SIGRTMIN+3")
    except docker_errors.APIError as refused:
        if refused.status_code not in (404, 409):  # gone or stopped meanwhile
            raise
