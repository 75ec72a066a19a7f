"""The words of OpenSSH: options we pass, messages we understand, shell text we send. Pure, nothing is run here."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.kit.secret import redact
from harness.remote import errors

FAILED = 255
"""ssh's own exit status for anything that went wrong with the connection (ssh(1), EXIT STATUS)."""
_GRACE_AFTER_TERM = 5  # seconds between SIGTERM and SIGKILL for a command out of time


@dataclass(frozen=True, slots=True)
class Door:
    """One way in: where, as whom, with which key, checked against which host keys."""

    address: str
    user: str
    key: Path
    known_hosts: Path
    port: int = 22
    program: str = "ssh"

    def __str__(self) -> str:
        return f"{self.user}@{self.address}"


def master_argv(door: Door, socket: Path, command: str, *, connect_seconds: float, learn: Path | None) -> list[str]:
    """The command line of the process that holds the connection.

    ``learn`` is the file in which an unknown host key is noted (a first contact); None requires a pinned one. A host
    key that differs from a pinned one is refused either way.
    """
    hosts = [door.known_hosts] if learn is None else [learn, door.known_hosts]
    options = {
        "BatchMode": "yes",
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "IdentityFile": _path(door.key),
        "PreferredAuthentications": "publickey",
        "UserKnownHostsFile": " ".join(_path(path) for path in hosts),
        "GlobalKnownHostsFile": "/dev/null",
        "StrictHostKeyChecking": "yes" if learn is None else "accept-new",
        "UpdateHostKeys": "no",
        "HashKnownHosts": "no",
        "ConnectTimeout": str(max(1, round(connect_seconds))),
        "ServerAliveInterval": "5",
        "ServerAliveCountMax": "3",
        "ControlMaster": "yes",
    }
    return [*_base(door, socket), *_flags(options), "--", str(door), command]


def session_argv(door: Door, socket: Path, command: str, *, gone: Path) -> list[str]:
    """The command line of one command through the master.

    ssh would silently make a connection of its own when the master is gone; the proxy command stands in that way and
    makes the file ``gone`` instead, so that "not begun" can be told from "broken off".
    """
    no_master = f"touch {shlex.quote(str(gone).replace('%', '%%'))}"
    options = {"BatchMode": "yes", "ControlMaster": "no", "ProxyCommand": no_master}
    return [*_base(door, socket), *_flags(options), "--", str(door), command]


def check_argv(door: Door, socket: Path) -> list[str]:
    """The command line that asks whether the master answers."""
    return [door.program, "-F", "none", "-S", str(socket), "-O", "check", "--", str(door)]


def _base(door: Door, socket: Path) -> list[str]:
    common = {"LogLevel": "ERROR", "ControlPersist": "no", "ClearAllForwardings": "yes", "EscapeChar": "none"}
    return [door.program, "-F", "none", "-T", "-S", str(socket), "-p", str(door.port), *_flags(common)]


def _flags(options: dict[str, str]) -> list[str]:
    return [word for name, value in options.items() for word in ("-o", f"{name}={value}")]


def _path(path: Path) -> str:
    """A file name as an option's value: spaces kept, percent signs not taken for tokens (ssh_config(5), TOKENS)."""
    return '"' + str(path).replace("%", "%%") + '"'


def failure(door: Door, said: str) -> errors.RemoteError:
    """The error that ssh's message ``said`` means."""
    said = redact(said.strip())
    last = said.splitlines()[-1] if said else "no answer"
    if "REMOTE HOST IDENTIFICATION HAS CHANGED" in said:
        return errors.HostKeyChanged(
            f"{door.address} shows another host key than the one pinned at its first contact",
            hint=f"if the container was made anew by hand, remove its line from {door.known_hosts}; "
            "otherwise another machine answers at this address",
            detail=said,
        )
    if "host key is known for" in said or "Host key verification failed" in said:
        return errors.HostKeyUnknown(
            f"no host key is pinned for {door.address}",
            hint=f"deploy the container from here first, or add its line (ssh-keyscan) to {door.known_hosts}",
            detail=said,
        )
    if "Permission denied" in said:
        return errors.LoginRefused(
            f"{door} does not accept the key {door.key.name}",
            hint=f"check that {door.key}.pub is among the authorized keys of {door.user} in the container",
            detail=said,
        )
    return errors.RemoteUnreachable(f"ssh to {door}: {last}", detail=said)


def remote_command(command: str, *, user: str, sudo: bool, timeout: float | None) -> str:
    """``command`` (sh) as the text for the login shell: as root when ``sudo``, ended after ``timeout`` seconds.

    root needs no sudo, and a bare container has none yet. The container ends a late command itself: closing an ssh
    session without a terminal leaves its processes running.
    """
    words: Sequence[str] = ["sh", "-c", command]
    if timeout is not None:
        words = ["timeout", f"--kill-after={_GRACE_AFTER_TERM}", f"{timeout:g}", *words]
    if sudo and user != "root":
        words = ["sudo", "-n", "--", *words]
    return shlex.join(words)


def put_command(path: str, *, size: int, mode: str) -> str:
    """sh text that stores standard input as ``path`` in one step, and nothing when fewer than ``size`` bytes came."""
    target = shlex.quote(path)
    return (
        f"umask 077 && new=$(mktemp {shlex.quote(path + '.XXXXXX')}) && trap 'rm -f \"$new\"' EXIT"
        f' && cat >"$new" && [ "$(stat -c %s "$new")" = {size} ]'
        f' && chmod {shlex.quote(mode)} "$new" && mv -fT "$new" {target}'
    )
