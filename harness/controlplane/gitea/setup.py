"""Everything that Gitea's web installer would ask, done without it: keys, configuration, database, administrator.

No password is ever an argument of a program. Gitea's own command makes the administrator with a random password that
nobody keeps; a token of a minute's life then lets the right one in through the API, while Gitea listens on a port of
loopback that nobody knows. The same way is gone when the password changes.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from harness.controlplane.gitea import site as sites
from harness.controlplane.gitea.site import Door, Keys, Site
from harness.forge import users
from harness.forge.client import Address, Forge, Login, segment
from harness.kit import process
from harness.kit.clock import Deadline, wait_until
from harness.kit.errors import HarnessError
from harness.kit.files import private_directory, write_atomic
from harness.kit.secret import Secret

PASSWORD_FILE = "admin.password"  # noqa: S105 - a file's name
_KEYS = ("SECRET_KEY", "INTERNAL_TOKEN", "JWT_SECRET")
_COMMAND_SECONDS = 120.0
_READY_SECONDS = 60.0
_STOP_SECONDS = 30.0


def prepare(site: Site) -> None:
    """Leave a Gitea that only has to be started. Doing it again changes nothing but what has to change.

    Raises ``HarnessError`` with Gitea's own words when one of its commands fails.
    """
    private_directory(site.home)
    keys = _keys(site)
    password = _password(site.state / PASSWORD_FILE)
    mark = _mark(site, keys, password)
    if _marked(site) != mark:
        _set_up(site, keys, password)
        write_atomic(_mark_file(site), mark + "\n", mode=0o600)
    write_atomic(site.ini, sites.render(site, keys), mode=0o600)


def _set_up(site: Site, keys: Keys, password: Secret) -> None:
    """Have the administrator with that password, through a Gitea that only we can find."""
    door = Door("127.0.0.1", _free_port())
    write_atomic(site.ini, sites.render(site, keys, door), mode=0o600)
    _gitea(site, "migrate")
    if site.admin not in _accounts(site):
        made = ("--admin", "--random-password", "--must-change-password=false")
        email = f"{site.admin}@localhost.localdomain"
        _gitea(site, "admin", "user", "create", "--username", site.admin, "--email", email, *made)
    title = f"setup-{secrets.token_hex(4)}"
    scopes = ("--scopes", "write:admin", "--raw")
    token = _gitea(site, "admin", "user", "generate-access-token", "-u", site.admin, "-t", title, *scopes)
    with _running(site, door) as address:
        _set_password(site, address, Secret(token.split()[-1]), password)
        with closing(Forge(address, Login(site.admin, password=password))) as forge:
            users.delete_token(forge, site.admin, title)


def _set_password(site: Site, address: Address, token: Secret, password: Secret) -> None:
    body = {"login_name": site.admin, "source_id": 0, "password": password.reveal()}
    with closing(Forge(address, Login(site.admin, token=token))) as forge:
        forge.patch(f"admin/users/{segment(site.admin)}", {**body, "must_change_password": False, "admin": True})


@contextmanager
def _running(site: Site, door: Door) -> Iterator[Address]:
    """Gitea at ``door`` for the duration."""
    address = Address(f"http://{door.host}:{door.port}")
    child = subprocess.Popen(site.command("web"), cwd=site.home)
    try:
        with closing(Forge(address)) as anybody:
            wait_until(lambda: _answers(child, anybody), Deadline(_READY_SECONDS), "Gitea answers")
        yield address
    finally:
        child.terminate()
        try:
            child.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _answers(child: subprocess.Popen[bytes], forge: Forge) -> bool:
    if child.poll() is not None:
        raise HarnessError(f"Gitea ended with {child.returncode} before it answered", hint="its own words stand above")
    try:
        forge.text("/api/healthz")
    except HarnessError:  # not up yet, or not well yet
        return False
    return True


def _accounts(site: Site) -> set[str]:
    """Names of all accounts: the second column of a table with a head."""
    lines = _gitea(site, "admin", "user", "list").splitlines()
    rows = (line.split() for line in lines)
    return {row[1] for row in rows if len(row) > 1 and row[0].isdigit()}


def _gitea(site: Site, *words: str) -> str:
    return process.run(site.command(*words), cwd=site.home, timeout=_COMMAND_SECONDS).text


def _keys(site: Site) -> Keys:
    """As kept; the first time Gitea makes them."""
    path = site.home / "keys.json"
    if not path.exists():
        made = {name: _generate(site, name) for name in _KEYS}
        write_atomic(path, json.dumps(made) + "\n", mode=0o600)
    found = json.loads(path.read_text())
    return Keys(*(Secret(str(found[name])) for name in _KEYS))


def _generate(site: Site, name: str) -> str:
    done = process.run([str(site.program), "generate", "secret", name], cwd=site.home, timeout=_COMMAND_SECONDS)
    return done.text.strip()


def _password(path: Path) -> Secret:
    """The administrator's: from the file that the control plane was given, made when there is none."""
    if not path.exists():
        write_atomic(path, f"{secrets.token_urlsafe(18)}\n", mode=0o600)
    return Secret(path.read_text().strip())


def _mark(site: Site, keys: Keys, password: Secret) -> str:
    """Changes with name and password, and tells neither."""
    text = f"{site.admin}\0{password.reveal()}".encode()
    return hmac.new(keys.secret_key.reveal().encode(), text, hashlib.sha256).hexdigest()


def _mark_file(site: Site) -> Path:
    return site.home / "administrator"


def _marked(site: Site) -> str | None:
    path = _mark_file(site)
    return path.read_text().strip() if path.exists() else None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
