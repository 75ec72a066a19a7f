"""Where what belongs to one target is kept: keys, known hosts, runs, the generated login. Private to its owner."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from pathlib import Path

from harness.config.settings import Settings
from harness.kit.errors import HarnessError
from harness.kit.files import exclusive, private_directory, write_atomic
from harness.kit.secret import Secret

VARIABLE = "GITOPS_SHARE"
_PASSWORD_BYTES = 18  # 24 characters of URL-safe base64


class ShareError(HarnessError):
    """A file of ours in the share directory does not hold what we wrote there."""


class Share:
    """The directory of one target, mode 0700. Nothing is made before it is asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def for_target(cls, root: Path, settings: Settings, environ: Mapping[str, str]) -> Share:
        """The directory of the target that ``settings`` name, below ``GITOPS_SHARE`` or ``local/share``."""
        base = Path(environ[VARIABLE]) if environ.get(VARIABLE) else root / "local" / "share"
        return cls(base.absolute() / settings.target)

    @property
    def keys(self) -> Path:
        """Directory of the containers' ssh key pairs, named by VMID."""
        return self._directory("keys")

    @property
    def known_hosts(self) -> Path:
        """OpenSSH known_hosts file of this target; made by whoever pins the first key."""
        return self._home() / "known_hosts"

    @property
    def runs(self) -> Path:
        """Directory with one directory a run."""
        return self._directory("runs")

    @property
    def node(self) -> Path:
        """Directory of the embedded node's own state."""
        return self._directory("node")

    @property
    def node_access(self) -> Path:
        """How a control plane reaches the embedded node of the machine that it runs on (0600); nowhere else is one."""
        return self._home() / "node-access.json"

    @property
    def authority(self) -> Path:
        """Directory of the project's certificate authority, made with its first certificate; ``ca.crt`` is its own."""
        return self.path / "authority"

    @property
    def read_token(self) -> Path:
        """The token that may only look at the target (0600, ``user@realm!name=secret``), where one could be had."""
        return self._home() / "pve-read.token"

    @property
    def read_token_refused(self) -> Path:
        """Whose credentials could not make one, so that this is said once."""
        return self._home() / "pve-read.refused"

    @property
    def login_file(self) -> Path:
        """The generated login (0600); exists only when none is configured."""
        return self._home() / "login.json"

    @property
    def network_file(self) -> Path:
        """What networks were moved where."""
        return self._home() / "network.json"

    def credentials(self, settings: Settings) -> tuple[str, Secret]:
        """The login and password that services get: as configured, else a password made once and kept."""
        if settings.password:
            return settings.login, settings.password
        with exclusive(self._home() / ".lock"):
            stored = self._stored_login()
            password = stored.get("password") or secrets.token_urlsafe(_PASSWORD_BYTES)
            wanted = {"login": settings.login, "password": password}
            if stored != wanted:
                write_atomic(self.login_file, json.dumps(wanted) + "\n", mode=0o600)
        return settings.login, Secret(password)

    def revision_key(self) -> bytes:
        """32 random bytes of this target: secrets enter revisions only through a hash keyed with them."""
        path = self._home() / "revision.key"
        with exclusive(self._home() / ".lock"):
            if not path.exists():
                write_atomic(path, secrets.token_hex(32) + "\n", mode=0o600)
        try:
            return bytes.fromhex(path.read_text())
        except ValueError as error:
            raise ShareError(f"{path}: not a key", hint="delete it: every container is converged again") from error

    def networks(self) -> dict[str, str]:
        """Remembered moves, wanted network → network in use; empty before the first run."""
        if not (self.path / "network.json").exists():
            return {}
        return self._object(self.network_file)

    def remember_networks(self, networks: Mapping[str, str]) -> None:
        """Keep ``networks`` (``Inventory.networks``) for the next run, beside what was remembered before."""
        known = self.networks()
        if known != {**known, **networks}:
            write_atomic(self.network_file, json.dumps({**known, **networks}, indent=2) + "\n", mode=0o600)

    def _stored_login(self) -> dict[str, str]:
        return self._object(self.login_file) if self.login_file.exists() else {}

    def _object(self, path: Path) -> dict[str, str]:
        try:
            found = json.loads(path.read_text())
        except ValueError as error:
            raise ShareError(f"{path}: not JSON", hint="delete it: it is made again") from error
        if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
            raise ShareError(f"{path}: not an object of texts", hint="delete it: it is made again")
        return found

    def _home(self) -> Path:
        if not self.path.parent.exists():  # an existing one may be the user's own: its mode is theirs
            private_directory(self.path.parent)
        return private_directory(self.path)

    def _directory(self, name: str) -> Path:
        return private_directory(self._home() / name)
