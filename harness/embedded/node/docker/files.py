"""What a new container gets before its first start: host key, root's key, machine id, root's password."""

from __future__ import annotations

import io
import tarfile
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from harness.embedded.node.runtime import GuestError, GuestSpec
from harness.kit import process

SHADOW_GROUP = 42  # Debian's fixed gid of the group shadow (base-passwd)


@dataclass(frozen=True, slots=True)
class File:
    """One file to lay into a container, owned by root unless ``gid`` says otherwise."""

    path: str
    data: bytes
    mode: int = 0o644
    gid: int = 0


def first_files(spec: GuestSpec) -> list[File]:
    """The files of every new container. Only an ed25519 host key: others take long to make and nobody needs them."""
    private, public = host_key(spec.hostname)
    files = [
        File("etc/ssh/ssh_host_ed25519_key", private, 0o600),
        File("etc/ssh/ssh_host_ed25519_key.pub", public),
        File("etc/machine-id", f"{uuid.uuid4().hex}\n".encode(), 0o444),
    ]
    return [*files, *root_keys(spec)]


def root_keys(spec: GuestSpec) -> list[File]:
    """The file of root's keys, when there are any."""
    keys = spec.ssh_public_keys.strip()
    return [File("root/.ssh/authorized_keys", keys.encode() + b"\n", 0o600)] if keys else []


def host_key(comment: str) -> tuple[bytes, bytes]:
    """A fresh ed25519 key pair in OpenSSH's formats: (private, public line)."""
    key = ed25519.Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return private, public + f" root@{comment}\n".encode()


def archive(files: Iterable[File]) -> bytes:
    """An uncompressed tar for ``PUT /containers/{id}/archive``."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for file in files:
            info = tarfile.TarInfo(file.path)
            info.size, info.mode, info.gid, info.mtime = len(file.data), file.mode, file.gid, int(time.time())
            tar.addfile(info, io.BytesIO(file.data))
    return buffer.getvalue()


def unpack(data: bytes) -> Mapping[str, bytes]:
    """The regular files of a tar by base name."""
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        members = [(member.name, tar.extractfile(member)) for member in tar.getmembers()]
        return {name: stream.read() for name, stream in members if stream is not None}


def with_root_password(shadow: str, password: str, *, run: process.Runner = process.run) -> str:
    """The text of shadow(5) with root's password set; it reaches openssl on standard input, never as an argument."""
    try:
        hashed = run(["openssl", "passwd", "-6", "-stdin"], stdin=password.encode()).text.strip()
    except process.CommandError as failed:
        raise GuestError("a root password needs openssl on this machine", hint="apt-get install openssl") from failed
    lines = (line.split(":") for line in shadow.splitlines())
    return "".join(":".join([f[0], hashed, *f[2:]] if f[0] == "root" else f) + "\n" for f in lines)
