"""Base images: Debian with systemd and sshd, made once per machine and shared by all its nodes."""

from __future__ import annotations

import io
import os
import re
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from docker import errors as docker_errors
from docker.client import DockerClient

from harness.embedded.engine import client as engine
from harness.embedded.engine import recipe, rootfs
from harness.embedded.engine.labels import BASE, INSTANCE
from harness.kit.errors import UnreachableError, UsageError
from harness.kit.files import exclusive, private_directory

Say = Callable[[str], None]

REPOSITORY = "proxmox-gitops/debian"
PLAIN = "debian"
_FIRST_ANSWER_SECONDS = 12.0
"""A registry that has said nothing by then counts as absent."""
_BUILD_SECONDS = 900.0
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Finish:
    """What turns a plain image into a base image. ``complete``: the packages are in it already."""

    release: str
    ref: str
    certificates: str
    complete: bool


def reference(release: str, ca_bundle: Path | None = None) -> str:
    """The tag of the base image for a Debian release, whether it is there or not."""
    return f"{REPOSITORY}:{release}-{recipe.digest(release, read_bundle(ca_bundle))}"


def exists(client: DockerClient, ref: str) -> bool:
    """Whether an image of that tag or id is here."""
    with engine.translated(f"image {ref}"):
        try:
            client.images.get(ref)
        except docker_errors.ImageNotFound:
            return False
    return True


def ensure_base(client: DockerClient, release: str, say: Say, *, ca_bundle: Path | None = None) -> str:
    """The base image for Debian ``release`` ("12" or "13"): reused, or made from a registry's or from packages.

    ``ca_bundle`` is a PEM file of further authorities the container is to trust, for networks whose proxy opens TLS.
    Raises ``UsageError`` for a release there is none for, ``UnreachableError`` when neither way leads anywhere.
    """
    if release not in recipe.SUITES:
        known = ", ".join(sorted(recipe.SUITES))
        raise UsageError(f"there is no base image for Debian {release}", hint=f"one of: {known}")
    ref = reference(release, ca_bundle)
    if exists(client, ref):
        return ref
    with _one_builder(release):
        if not exists(client, ref):
            _build(client, release, ref, say, read_bundle(ca_bundle))
    return ref


def read_bundle(path: Path | None) -> str:
    """The text of a PEM bundle; raises ``UsageError`` when it cannot be read or holds no certificate."""
    if path is None:
        return ""
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as failed:
        raise UsageError(f"the CA bundle {path} cannot be read", hint="name a PEM file") from failed
    if not _CERTIFICATE.search(text):
        raise UsageError(f"the CA bundle {path} holds no certificate", hint="name a PEM file")
    return text


def remove_unused(client: DockerClient) -> int:
    """Remove the base images, unless a node is left on this machine that may want them; how many went."""
    removed = 0
    with engine.translated("base images"):
        if client.api.networks(filters={"label": [INSTANCE]}):
            return 0
        for found in client.api.images(filters={"label": [BASE]}):
            for tag in found.get("RepoTags") or ():
                removed += tag.rpartition(":")[0] == REPOSITORY and _remove(client, tag)
    return removed


def _remove(client: DockerClient, tag: str) -> bool:
    try:
        client.api.remove_image(tag)
    except docker_errors.APIError as refused:
        if refused.status_code in (404, 409):  # gone already, or in use by another node
            return False
        raise
    return True


@contextmanager
def _one_builder(release: str) -> Iterator[None]:
    """Two runs at once make one image: the second waits for the first."""
    directory = private_directory(Path(tempfile.gettempdir()) / f"proxmox-gitops-{os.getuid()}")
    with exclusive(directory / f"base-{release}.lock"):
        yield


def _build(client: DockerClient, release: str, ref: str, say: Say, certificates: str) -> None:
    pulled = pull_plain(client, release, say)
    plain = pulled or _from_packages(client, release, say)
    try:
        _finish(client, plain, Finish(release, ref, certificates, complete=pulled is None), say)
    finally:
        if pulled is None:
            _remove(client, plain)
    say(f"base image {ref} is ready")


def pull_plain(client: DockerClient, release: str, say: Say) -> str | None:
    """Debian's own image, found here or pulled; None when no registry answers soon."""
    ref = f"{PLAIN}:{release}"
    if exists(client, ref):
        return ref
    say(f"pulling {ref}")
    try:
        with engine.opened(timeout=_FIRST_ANSWER_SECONDS) as quick:
            for event in quick.api.pull(PLAIN, tag=release, stream=True, decode=True):
                if "error" in event:
                    say(f"no registry gave {ref}: {event['error']}")
                    return None
    except (docker_errors.APIError, requests.exceptions.RequestException) as failed:
        say(f"no registry gave {ref}: {_one_line(failed)}")
        return None
    return ref


def _from_packages(client: DockerClient, release: str, say: Say) -> str:
    """An image from Debian's package archive, everything in it already; tag of the import."""
    with tempfile.TemporaryDirectory(prefix="proxmox-gitops-") as directory:
        archive = Path(directory) / "rootfs.tar"
        rootfs.debootstrap(recipe.SUITES[release], recipe.PACKAGES, archive, say)
        with engine.translated("importing the base image"):
            client.api.import_image_from_file(str(archive), repository=f"{REPOSITORY}-import", tag=release)
    return f"{REPOSITORY}-import:{release}"


def _finish(client: DockerClient, plain: str, finish: Finish, say: Say) -> None:
    """Run the recipe in a container of the plain image and keep the result under our tag."""
    repository, tag = finish.ref.split(":")
    changes = ['CMD ["/sbin/init"]', "ENTRYPOINT []", f"LABEL {BASE}={finish.release}"]
    with engine.translated("building the base image"), _builder(client, plain, finish.release) as container:
        client.api.put_archive(container, "/", certificate_files(finish.certificates))
        if not finish.complete:
            say("installing systemd, sshd and what goes with them")
            _execute(client, container, recipe.install_script())
        _execute(client, container, _with_input(recipe.FINISH, recipe.sources(finish.release)))
        client.api.commit(container, repository=repository, tag=tag, changes=changes)


@contextmanager
def _builder(client: DockerClient, plain: str, release: str) -> Iterator[str]:
    """Id of a running container to build in; it goes away afterwards, and by itself when nobody takes it away."""
    made = client.api.create_container(
        plain,
        ["sleep", str(int(_BUILD_SECONDS))],
        host_config=client.api.create_host_config(security_opt=["seccomp=unconfined"]),
        entrypoint=[],
        labels={BASE: release},
        stop_signal="SIGRTMIN+3",
    )["Id"]
    try:
        client.api.start(made)
        yield made
    finally:
        client.api.remove_container(made, force=True, v=True)


def _with_input(script: str, text: str) -> str:
    """A shell script that reads ``text`` on its standard input."""
    return f"exec <<'END_OF_INPUT'\n{text}END_OF_INPUT\n{script}"


def _execute(client: DockerClient, container: str, script: str) -> None:
    """Run a shell script in a container; raises ``UnreachableError`` with its output when it fails.

    Packages are the only thing that can fail in it, so the hint is about the way to them.
    """
    made = client.api.exec_create(container, ["sh", "-c", script])
    output: Any = client.api.exec_start(made["Id"])
    code = client.api.exec_inspect(made["Id"])["ExitCode"]
    if code != 0:
        tail = output.decode(errors="replace").strip()[-2000:]
        raise UnreachableError(
            f"the base image could not be finished: {_one_line(tail)}",
            hint="containers must reach deb.debian.org over http: check proxy and firewall, then run again",
            detail=tail,
        )


def certificate_files(bundle: str) -> bytes:
    """A tar that lays each certificate of a bundle where update-ca-certificates(8) looks."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for number, match in enumerate(_CERTIFICATE.finditer(bundle)):
            info = tarfile.TarInfo(f"usr/local/share/ca-certificates/proxmox-gitops-{number:03d}.crt")
            data = match.group().encode()
            info.size, info.mode = len(data), 0o644
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def _one_line(problem: object) -> str:
    text = problem.explanation if isinstance(problem, docker_errors.APIError) else problem
    lines = str(text).strip().splitlines()
    return lines[-1] if lines else type(problem).__name__
