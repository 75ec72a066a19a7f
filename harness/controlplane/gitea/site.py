"""How one Gitea is run, and the ``app.ini`` that says so."""

from __future__ import annotations

import configparser
import io
import os
import pwd
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from harness.kit.secret import Secret


@dataclass(frozen=True, slots=True)
class Door:
    """Where Gitea listens; with a certificate it speaks https."""

    host: str
    port: int
    certificate: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class Keys:
    """What Gitea signs and encrypts with: made once, never changed."""

    secret_key: Secret
    internal_token: Secret
    jwt_secret: Secret


@dataclass(frozen=True, slots=True)
class Site:
    """``program`` is Gitea's, ``url`` what links begin with; everything lies below ``state``."""

    program: Path
    state: Path
    admin: str
    url: str
    door: Door

    @property
    def home(self) -> Path:
        """Directory of everything that is Gitea's own."""
        return self.state / "gitea"

    @property
    def ini(self) -> Path:
        """Its configuration. Hooks in the repositories name this path."""
        return self.home / "app.ini"

    def command(self, *words: str) -> list[str]:
        """A command line of Gitea."""
        return [str(self.program), "--config", str(self.ini), *words]


def render(site: Site, keys: Keys, door: Door | None = None) -> str:
    """The text of ``app.ini``, listening at ``door`` (default: the site's own). Secrets are in it."""
    sections = configparser.RawConfigParser()
    sections.optionxform = str  # type: ignore[assignment,method-assign]  # keys in capitals, as Gitea's manual has them
    sections.read_dict(_sections(site, keys, door or site.door))
    text = io.StringIO()
    top = {"APP_NAME": "Proxmox GitOps", "RUN_USER": pwd.getpwuid(os.getuid()).pw_name, "RUN_MODE": "prod"}
    text.writelines(f"{name} = {value}\n" for name, value in {**top, "WORK_PATH": site.home}.items())
    text.write("\n")
    sections.write(text)
    return text.getvalue()


def _sections(site: Site, keys: Keys, door: Door) -> dict[str, dict[str, object]]:
    off, on = "false", "true"
    return {
        "server": _server(site, door),
        "database": {"DB_TYPE": "sqlite3", "PATH": site.home / "gitea.db", "SQLITE_JOURNAL_MODE": "WAL"},
        "repository": {"ROOT": site.home / "repositories", "DEFAULT_BRANCH": "main"},
        "security": {
            "INSTALL_LOCK": on,
            "SECRET_KEY": keys.secret_key.reveal(),
            "INTERNAL_TOKEN": keys.internal_token.reveal(),
            # The administrator's password is the one of all services: it is judged where it is set.
            "MIN_PASSWORD_LENGTH": 1,
            "PASSWORD_COMPLEXITY": "off",
        },
        "oauth2": {"JWT_SECRET": keys.jwt_secret.reveal()},
        "service": {"DISABLE_REGISTRATION": on},
        "openid": {"ENABLE_OPENID_SIGNIN": off, "ENABLE_OPENID_SIGNUP": off},
        "actions": {"ENABLED": on},
        "webhook": {"ALLOWED_HOST_LIST": "loopback,private"},
        "session": {"PROVIDER": "db"},
        "indexer": {"ISSUE_INDEXER_TYPE": "db"},
        "picture": {"DISABLE_GRAVATAR": on},
        "mailer": {"ENABLED": off},
        "cron.update_checker": {"ENABLED": off},
        "log": {"MODE": "console", "LEVEL": "Warn", "ROOT_PATH": site.home / "log"},
    }


def _server(site: Site, door: Door) -> dict[str, object]:
    found: dict[str, object] = {
        "PROTOCOL": "https" if door.certificate else "http",
        "DOMAIN": urlsplit(site.url).hostname or "localhost",
        "HTTP_ADDR": door.host,
        "HTTP_PORT": door.port,
        "ROOT_URL": site.url.rstrip("/") + "/",
        # Containers reach it by another address than people do; links are to lead to where they were asked from.
        "PUBLIC_URL_DETECTION": "auto",
        "APP_DATA_PATH": site.home / "data",
        "DISABLE_SSH": "true",
        "LFS_START_SERVER": "false",
        "OFFLINE_MODE": "true",
    }
    if door.certificate:
        found |= {"CERT_FILE": door.certificate, "KEY_FILE": door.key}
    return found
