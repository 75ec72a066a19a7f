"""The least of a client that tests need: JSON requests and git in a working copy."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.contract.forge.target import Target


@dataclass(frozen=True, slots=True)
class Client:
    """Somebody who signs in by a name and a password (or a token)."""

    base: str
    name: str
    password: str

    @classmethod
    def admin(cls, target: Target) -> Client:
        """The administrator."""
        return cls(target.base, target.admin, target.password)

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """The status and the parsed answer (text when it is no JSON)."""
        secret = base64.b64encode(f"{self.name}:{self.password}".encode()).decode()
        headers = {"Authorization": f"Basic {secret}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.base}{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, _parsed(answer.read())
        except urllib.error.HTTPError as refused:
            return refused.code, _parsed(refused.read())

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """The answer of a request that must succeed."""
        status, answer = self.ask(method, f"/api/v1{path}", body)
        assert status < 300, (method, path, status, answer)
        return answer

    def repository(self, name: str) -> None:
        """An empty repository ``owner/name`` with the organisation that owns it."""
        owner, short = name.split("/")
        if self.ask("GET", f"/api/v1/orgs/{owner}")[0] == 404:
            self.api("POST", "/orgs", {"username": owner})
        self.api("POST", f"/orgs/{owner}/repos", {"name": short})

    def url(self, name: str) -> str:
        """What to clone, credentials included."""
        return self.base.replace("//", f"//{self.name}:{self.password}@", 1) + f"/{name}.git"


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data) if data else None
    except ValueError:
        return data.decode(errors="replace")


def git(where: Path, *argv: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run git as a person without configuration."""
    env = {
        "PATH": os.environ["PATH"], "HOME": str(where), "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "ann@example.com", "GIT_COMMITTER_NAME": "Ann",
        "GIT_COMMITTER_EMAIL": "ann@example.com", "LC_ALL": "C",
    }  # fmt: skip
    done = subprocess.run(["git", *argv], cwd=where, env=env, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, (argv, done.stderr)
    return done


def working_copy(where: Path, files: dict[str, str]) -> Path:
    """A new repository with one commit on ``main``."""
    where.mkdir()
    git(where, "init", "-q", "-b", "main")
    commit(where, files, "first")
    return where


def commit(where: Path, files: dict[str, str], message: str) -> str:
    """Commit files; the commit's name."""
    for name, text in files.items():
        path = where / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    git(where, "add", "-A")
    git(where, "commit", "-q", "-m", message)
    return git(where, "rev-parse", "HEAD").stdout.strip()
