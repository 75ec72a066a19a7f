"""A small monorepo and a forge that runs in this process, for the tests of seeding."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.embedded.forge.server import serve
from harness.forge import branches, pulls
from harness.forge.client import Address, Forge, Login
from harness.forge.model import Pull
from harness.kit.clock import Deadline
from harness.lifecycle.seeding.accounts import service_login
from harness.lifecycle.seeding.report import Seeded, SeededRepository
from harness.lifecycle.seeding.seed import seed
from harness.repo.committing import Author

FILES = {
    "README.md": "# monorepo\n",
    ".gitignore": "*.log\n/local/config.json\n/local/share/\nconfig.local.env\n",
    "config.env": "ID=110\nIP=192.0.2.10\n",
    "local/.config.json": "{}\n",
    "local/monorepo-id": "mr-0123456789abcdef\n",
    "harness/__init__.py": "",
    "libs/helpers/libraries/common.rb": "module Common; end\n",
    "libs/broker/config.env": "ID=111\nIP=192.0.2.11\n",
    "libs/broker/config.stage.env": "ID=211\nIP=192.0.2.111\n",
    "libs/broker/recipes/default.rb": "package 'mosquitto'\n",
    "libs/proxy/config.env": "ID=112\nIP=192.0.2.12\n",
    "libs/proxy/recipes/default.rb": "package 'caddy'\n",
}
_IDENTITY = {
    "GIT_AUTHOR_NAME": "Ann",
    "GIT_AUTHOR_EMAIL": "ann@example.org",
    "GIT_COMMITTER_NAME": "Ann",
    "GIT_COMMITTER_EMAIL": "ann@example.org",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_TERMINAL_PROMPT": "0",
}


def git(place: Path, *argv: str, check: bool = True) -> str:
    """Run git as Ann."""
    env = {**os.environ, **_IDENTITY}
    done = subprocess.run(["git", *argv], cwd=place, env=env, check=False, capture_output=True, text=True)
    assert not (check and done.returncode), done.stderr
    return done.stdout.strip() if not done.returncode else f"failed: {done.stderr}"


def write(root: Path, files: dict[str, str]) -> Path:
    """Write files below ``root``."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@dataclass
class World:
    """A forge, and a working tree that is seeded into it."""

    path: Path
    forge: Forge
    admin: Forge

    @property
    def root(self) -> Path:
        """The working tree."""
        return self.path / "tree"

    def seed(self, root: Path | None = None, scratch: str = "seed.git", *, all_requests: bool = False) -> Seeded:
        """Seed the working tree (or another one) into the forge."""
        author = Author("Ann", "ann@example.org")
        return seed(self.forge, root or self.root, self.path / scratch, author=author, all_requests=all_requests)

    def head(self, slug: str, branch: str = "main") -> str:
        """What a branch holds."""
        return branches.heads(self.forge, slug)[branch]

    def url(self, slug: str) -> str:
        """The address for git, with the administrator's login (of a forge that lives as long as a test)."""
        login = self.admin.login
        assert login is not None
        assert login.password is not None
        return self.forge.address.clone(slug).replace("://", f"://{login.user}:{login.password.reveal()}@")

    def clone(self, slug: str, name: str, *how: str) -> Path:
        """A clone."""
        git(self.path, "clone", "-q", *how, self.url(slug), name)
        return self.path / name

    def push(self, slug: str, files: dict[str, str], branch: str = "main") -> str:
        """Somebody else's commit on a branch."""
        place = self.path / f"other-{slug.replace('/', '-')}"
        if not place.exists():
            self.clone(slug, place.name)
        git(place, "fetch", "-q")
        git(place, "checkout", "-q", "-B", branch, f"origin/{branch}")
        write(place, files)
        git(place, "add", "-A")
        git(place, "commit", "-qm", "by hand")
        git(place, "push", "-q", "origin", branch)
        return git(place, "rev-parse", "HEAD")

    def merge(self, slug: str, number: int) -> Pull:
        """Accept a pull request."""
        deadline = Deadline(20)
        pull = pulls.wait_mergeable(self.forge, slug, number, deadline)
        return pulls.merge(self.forge, slug, number, deadline, head_sha=pull.head_sha)

    def show(self, slug: str, branch: str = "main") -> dict[str, str]:
        """All files and pointers of a branch, text by path."""
        place = self.path / "look.git"
        git(self.path, "init", "-q", "--bare", "look.git")
        git(place, "fetch", "-q", self.url(slug), f"+refs/heads/{branch}:refs/look")
        lines = [line.split(None, 3) for line in git(place, "ls-tree", "-r", "refs/look").splitlines()]
        return {path: oid if kind == "commit" else git(place, "cat-file", "blob", oid) for _, kind, oid, path in lines}


@contextmanager
def world(path: Path) -> Iterator[World]:
    """A world in an empty directory."""
    write(path / "tree", FILES)
    with serve(path / "forge") as served:
        admin = Forge(Address(served.url), Login(served.admin, served.password))
        forge = Forge(Address(served.url), service_login(admin))
        yield World(path, forge, admin)
        forge.close()
        admin.close()


def of(seeded: Seeded, slug: str) -> SeededRepository:
    """What became of one repository."""
    return next(entry for entry in seeded.repositories if entry.slug == slug)
