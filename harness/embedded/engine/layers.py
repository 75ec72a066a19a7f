"""Images made from another by a script: one layer each, kept under a tag that says what went into it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from docker import errors as docker_errors
from docker.client import DockerClient

from harness.embedded.engine import client as engine
from harness.embedded.engine import image as images
from harness.kit.errors import HarnessError, UnreachableError

Say = Callable[[str], None]

_SECONDS = 900
"""A container to build in ends by itself after that long, whoever forgot it."""


@dataclass(frozen=True, slots=True)
class Layer:
    """What is put on an image: files (a tar unpacked at /), then a shell script run as root."""

    ref: str
    """``repository:tag`` of the result; the tag is to change with the content."""
    script: str
    files: bytes | None = None
    network: bool = False
    """Whether the script may reach the network; without it nothing but what was put there can come in."""
    labels: Mapping[str, str] = field(default_factory=dict)
    hint: str | None = None
    """What to do when the script fails."""


def ensure(client: DockerClient, parent: str, layer: Layer, say: Say, what: str) -> str:
    """The image of ``layer`` on ``parent``: reused, or made while ``say`` tells ``what`` is going on.

    Raises ``UnreachableError`` when a script with network fails, ``HarnessError`` when one without does.
    """
    if images.exists(client, layer.ref):
        return layer.ref
    say(what)
    _build(client, parent, layer)
    return layer.ref


def _build(client: DockerClient, parent: str, layer: Layer) -> None:
    api: Any = client.api
    with engine.translated(f"building {layer.ref}"):
        host = api.create_host_config(
            security_opt=["seccomp=unconfined"], network_mode="bridge" if layer.network else "none"
        )
        made = api.create_container(
            parent, ["sleep", str(_SECONDS)], entrypoint=[], host_config=host, labels=dict(layer.labels)
        )["Id"]
        try:
            api.start(made)
            if layer.files is not None:
                api.put_archive(made, "/", layer.files)
            _execute(api, made, layer)
            repository, _, tag = layer.ref.rpartition(":")
            marks = [f"LABEL {name}={value}" for name, value in layer.labels.items()]
            changes = ['CMD ["/sbin/init"]', "ENTRYPOINT []", *marks]
            api.commit(made, repository=repository, tag=tag, changes=changes)
        finally:
            api.remove_container(made, force=True, v=True)


def _execute(api: Any, container: str, layer: Layer) -> None:
    made = api.exec_create(container, ["sh", "-c", layer.script])
    output: bytes = api.exec_start(made["Id"])
    if api.exec_inspect(made["Id"])["ExitCode"] == 0:
        return
    tail = output.decode(errors="replace").strip()[-4000:]
    last = tail.splitlines()[-1] if tail else "no output"
    kind = UnreachableError if layer.network else HarnessError
    raise kind(f"the image {layer.ref} could not be made: {last}", hint=layer.hint, detail=tail)


def remove(
    client: DockerClient, labels: Mapping[str, str], *, keep: frozenset[str] = frozenset(), older_than: float = 0.0
) -> int:
    """Remove the images with these labels but ``keep`` and what something stands on; how many went.

    With ``older_than`` (seconds) young ones stay: another checkout may be about to stand on one that it has just made.
    """
    removed = 0
    latest = time.time() - older_than
    api: Any = client.api
    wanted = [f"{name}={value}" if value else name for name, value in labels.items()]
    with engine.translated("old images"):
        found = [image for image in api.images(filters={"label": wanted}) if image.get("Created", 0) <= latest]
        references = {ref for image in found for ref in _references(image)}
        for tag in sorted(references - keep, reverse=True):
            with suppress(docker_errors.ImageNotFound):
                removed += _remove(api, tag)
    return removed


def _references(found: Mapping[str, Any]) -> list[str]:
    """The tags of an image, or its id where it has none (older engines then say ``<none>:<none>``)."""
    return [tag for tag in found.get("RepoTags") or () if tag != "<none>:<none>"] or [found["Id"]]


def _remove(api: Any, tag: str) -> bool:
    try:
        api.remove_image(tag)
    except docker_errors.APIError as refused:
        if refused.status_code == 409:  # a container or another image stands on it
            return False
        raise
    return True
