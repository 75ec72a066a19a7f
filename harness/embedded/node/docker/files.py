"""What a new container gets before its first start: host key, root's key, machine id, root's password."""

from __future__ import annotations

import io
import tarfile
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from harness.embedded.node.runtime import GuestError, GuestSpec
from harness.kit import process


@dataclass(frozen=True, slots=True)
class File:
    """One file to lay into a container, owned by root unless ``gid`` says otherwise. ``link``: its data is a target."""

    path: str
    data: bytes
    mode: int = 0o644
    gid: int = 0
    link: bool = False


def first_files(spec: GuestSpec) -> list[File]:
    """The files of a new container of ours."""
    machine = File("etc/machine-id", f"{uuid.uuid4().hex}\n".encode(), 0o444)
    return [*host_keys(spec.hostname), machine, *root_keys(spec)]


def host_keys(comment: str) -> list[File]:
    """The files of a new host key. Only ed25519: others take long to make and nobody needs them."""
    private, public = host_key(comment)
    return [
        File("etc/ssh/ssh_host_ed25519_key", private, 0o600),
        File("etc/ssh/ssh_host_ed25519_key.pub", public),
    ]


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
            info.mode, info.gid, info.mtime = file.mode, file.gid, int(time.time())
            if file.link:
                info.type, info.linkname = tarfile.SYMTYPE, file.data.decode()
            else:
                info.size = len(file.data)
            tar.addfile(info, None if file.link else io.BytesIO(file.data))
    return buffer.getvalue()


def with_root_password(shadow: str, password: str) -> str:
    """The text of shadow(5) with root's password set; it reaches openssl on standard input, never as an argument."""
    try:
        hashed = process.run(["openssl", "passwd", "-6", "-stdin"], stdin=password.encode()).text.strip()
    except process.CommandError as failed:
        raise GuestError("a root password needs openssl on this machine", hint="apt-get install openssl") from failed
    lines = (line.split(":") for line in shadow.splitlines())
    return "".join(":".join([f[0], hashed, *f[2:]] if f[0] == "root" else f) + "\n" for f in lines)
