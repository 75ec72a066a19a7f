"""Key pairs of ours, one a container, and the known_hosts file of ours."""

from __future__ import annotations

import tempfile
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from harness.kit import files, process

SSH_PORT = 22


@dataclass(frozen=True, slots=True)
class KeyPair:
    """Where the private key lies and what the container gets to know."""

    private: Path
    public: str
    """One line as in authorized_keys."""


def ensure_key(directory: Path, vmid: int) -> KeyPair:
    """The key pair of container ``vmid`` in ``directory``; an ed25519 one is made when there is none.

    A private key that lies there already is kept, whatever its kind, and its public half written beside it when
    missing. Safe for several processes at once. Raises ``CommandError`` when ssh-keygen fails.
    """
    files.private_directory(directory)
    private = directory / str(vmid)
    with files.exclusive(directory / ".lock"):
        if not private.exists():
            _generate(private)
        private.chmod(0o600)
        return KeyPair(private, _public_half(private))


def _generate(private: Path) -> None:
    """Make the pair aside and move it in, the private half last: a killed run leaves no half a key."""
    with tempfile.TemporaryDirectory(dir=private.parent, prefix=".new-") as aside:
        made = Path(aside) / "key"
        process.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"gitops-{private.name}", "-f", str(made)])
        made.with_suffix(".pub").replace(_beside(private))
        made.replace(private)


def _public_half(private: Path) -> str:
    public = _beside(private)
    if not public.exists():
        derived = process.run(["ssh-keygen", "-y", "-P", "", "-f", str(private)])
        files.write_atomic(public, derived.stdout)
    return public.read_text().strip()


def _beside(private: Path) -> Path:
    return private.with_name(f"{private.name}.pub")


def forget_host(known_hosts: Path, address: str, port: int = SSH_PORT) -> None:
    """Drop the pinned keys of ``address``: its container has been deleted, the next one there has another key."""
    with _locked(known_hosts):
        kept = [line for line in _lines(known_hosts) if _host_field(line) != _entry(address, port)]
        _store(known_hosts, kept)


def is_known(known_hosts: Path, address: str, port: int = SSH_PORT) -> bool:
    """Whether a host key is pinned for ``address``."""
    return any(_host_field(line) == _entry(address, port) for line in _lines(known_hosts))


def pin(known_hosts: Path, learned: Path) -> None:
    """Add the entries of the file ``learned`` to ``known_hosts``; what is there stays."""
    with _locked(known_hosts):
        known = _lines(known_hosts)
        _store(known_hosts, known + [line for line in _lines(learned) if line not in known])


def _locked(known_hosts: Path) -> AbstractContextManager[None]:
    files.private_directory(known_hosts.parent)
    return files.exclusive(known_hosts.with_name(f".{known_hosts.name}.lock"))


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if line.strip()] if path.exists() else []


def _store(path: Path, lines: list[str]) -> None:
    if lines != _lines(path):
        files.write_atomic(path, "".join(f"{line}\n" for line in lines), mode=0o600)


def _host_field(line: str) -> str:
    return line.split(maxsplit=1)[0]


def _entry(address: str, port: int) -> str:
    """How OpenSSH writes a host: bare on port 22, else ``[host]:port`` (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT)."""
    return address if port == SSH_PORT else f"[{address}]:{port}"
