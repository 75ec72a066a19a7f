"""A forge, a runner and a node of a test's own, the monorepo seeded into the forge: pipelines run as they really do."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from harness.config import forge_accounts
from harness.config.forge_accounts import ForgeAccount
from harness.controlplane.programs import EMBEDDED
from harness.embedded.forge.server import PASSWORD_FILE, READY_FILE
from harness.embedded.launch import NodeAccess
from harness.forge import actions, branches, comments, organisations, pulls, statuses
from harness.forge.client import Address, Forge, Login
from harness.forge.model import Pull, Run, Status
from harness.kit.clock import Deadline
from harness.kit.errors import DeadlineError
from harness.kit.secret import Secret
from harness.lifecycle.seeding import names
from harness.lifecycle.seeding.accounts import recipes_login, service_login
from harness.lifecycle.seeding.report import Seeded
from harness.lifecycle.seeding.seed import seed
from harness.repo.committing import Author
from tests.contract.seeding_world import git
from tests.e2e.world import SOURCE, World, free_port, wait_until

SECONDS = 120.0
NEWER_SETTING = "not_known_yet"
ACCESS_LOG = "node-access.jsonl"


@dataclass
class Node:
    """An embedded node with nothing behind its containers, and the port it answers on."""

    port: int = 0
    password: str = "nothing"
    fingerprint: str = ""

    @property
    def settings(self) -> dict[str, object]:
        """``config.json`` for it."""
        if not self.port:
            return {}
        where = {"host": "127.0.0.1", "port": self.port, "fingerprint": self.fingerprint}
        return {"proxmox": {**where, "password": self.password}, "password": "the-password-of-all-containers"}


@dataclass
class Pipelines:
    """Everything together. ``world.root`` is the workstation's tree."""

    path: Path
    world: World
    url: str
    admin: Forge
    forge: Forge
    node: Node
    daemon: subprocess.Popen[bytes]

    @property
    def port(self) -> int:
        """Where the forge listens."""
        return int(self.url.rpartition(":")[2])

    def stop_forge(self) -> None:
        """Let the forge go away."""
        self.daemon.terminate()
        self.daemon.wait(30)

    @property
    def share(self) -> Path:
        """The control plane's own state."""
        return self.path / "share"

    def seed(self, *, all_requests: bool = True) -> Seeded:
        """Seed the workstation's tree."""
        return seed(
            self.forge, self.world.root, self.path / "seed.git", author=Author("Ann", "ann@example.org"),
            all_requests=all_requests,
        )  # fmt: skip

    def push(self, slug: str, files: dict[str, str | None], branch: str, *, who: Forge | None = None) -> str:
        """A person's commit on ``branch``, made from ``main`` when it is new; None removes a file."""
        place = self.path / f"clone-{slug.replace('/', '-')}"
        login = (who or self.admin).login
        assert login is not None
        assert login.password is not None
        url = self.forge.address.clone(slug).replace("://", f"://{login.user}:{login.password.reveal()}@")
        if not place.exists():
            git(self.path, "clone", "-q", url, place.name)
        git(place, "fetch", "-q", "origin")
        dirty = git(place, "status", "--porcelain")
        if dirty:
            git(place, "stash", "-q", "-u")
        start = f"origin/{branch}" if git(place, "branch", "-r", "--list", f"origin/{branch}") else "origin/main"
        git(place, "checkout", "-q", "-B", branch, start)
        if dirty:
            git(place, "stash", "pop", "-q")
        for name, text in files.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).unlink(missing_ok=True)
            if text is not None:
                (place / name).write_text(text)
        git(place, "add", "-A")
        git(place, "commit", "-qm", "by hand")
        git(place, "push", "-q", "origin", branch)
        return git(place, "rev-parse", "HEAD")

    def request(self, slug: str, head: str, base: str = "release", *, who: Forge | None = None) -> Pull:
        """A person's pull request."""
        return pulls.create(who or self.admin, slug, base=base, head=head, title="A change")

    def merge(self, slug: str, number: int) -> Pull:
        """A person accepts."""
        deadline = Deadline(30)
        pull = pulls.wait_mergeable(self.admin, slug, number, deadline)
        return pulls.merge(self.admin, slug, number, deadline, head_sha=pull.head_sha)

    def status(self, slug: str, sha: str, context: str, *, seconds: float = SECONDS) -> Status:
        """How ``context`` came out for a commit, once it has."""

        def ended() -> Status | None:
            found = statuses.newest(self.forge, slug, sha).get(context)
            waits = found is not None and found.state == "pending" and "waits" in found.description
            return found if found is not None and (waits or found.state != "pending") else None

        try:
            found: Status = wait_until(ended, seconds, f"{context} of {slug}")
        except DeadlineError as late:
            raise AssertionError(f"{late}\n{self.logs(slug)}") from None
        return found

    def said(self, slug: str, sha: str, context: str, words: str) -> Status:
        """The status ``context`` of a commit once it says ``words``, which need not be its end."""

        def probe() -> Status | None:
            found = statuses.newest(self.forge, slug, sha).get(context)
            return found if found is not None and words in found.description else None

        found: Status = wait_until(probe, SECONDS, f"{context} of {slug}: {words}")
        return found

    def comment(self, slug: str, number: int, topic: str) -> str:
        """The text of the one comment about ``topic``."""
        found = [one.body for one in comments.listed(self.forge, slug, number) if comments.mark(topic) in one.body]
        assert len(found) == 1, found
        return found[0]

    def runs(self, slug: str, workflow: str) -> list[Run]:
        """Runs of a workflow, newest first."""
        return [run for run in actions.runs(self.forge, slug) if run.workflow == workflow]

    def ended(self, slug: str, workflow: str, sha: str) -> Run:
        """The run of a workflow for a commit, once it has ended."""

        def probe() -> Run | None:
            found = [run for run in self.runs(slug, workflow) if run.sha == sha and run.done]
            return found[0] if found else None

        found: Run = wait_until(probe, SECONDS, f"{workflow} of {slug}")
        return found

    def logs(self, slug: str) -> str:
        """All logs of a repository's runs, for a failing test."""
        texts = []
        for run in actions.runs(self.forge, slug)[:4]:
            for job in actions.jobs(self.forge, slug, run.id):
                texts.append(f"--- {run.workflow} {run.event} {job.name}: {job.status} {job.conclusion}")
                texts.append(actions.log(self.forge, slug, job.id)[-3000:])
        return "\n".join(texts)

    def head(self, slug: str, branch: str) -> str:
        """What a branch holds."""
        return branches.heads(self.forge, slug)[branch]


@contextmanager
def node(path: Path) -> Iterator[Node]:
    """A node whose containers are only remembered."""
    port, state = free_port(), path / "node"
    argv = [sys.executable, "-m", "harness.embedded.node", "--state", str(state), "--port", str(port)]
    argv += ["--runtime", "memory", "--listen", "127.0.0.1", "--bridge", "vmbr0=10.187.60.1/24"]
    argv += ["--access-log", str(path / ACCESS_LOG)]
    process = subprocess.Popen(argv, cwd=SOURCE, stderr=subprocess.DEVNULL)
    try:
        wait_until((state / "node.json").exists, 30, "the node")
        ready = json.loads((state / "node.json").read_text())
        yield Node(port, (state / "password").read_text().strip(), ready["fingerprint"])
    finally:
        process.terminate()
        process.wait(20)


@contextmanager
def forge_daemon(state: Path, port: int, host: str = "127.0.0.1") -> Iterator[subprocess.Popen[bytes]]:
    """A forge in a process of its own."""
    argv = [sys.executable, "-m", "harness.embedded.forge", "--state", str(state), "--listen", f"{host}:{port}"]
    argv += EMBEDDED.forge_options.split()
    state.mkdir(exist_ok=True, mode=0o700)
    with (state.parent / "forge.log").open("ab") as log:
        process = subprocess.Popen(argv, cwd=SOURCE, stdout=log, stderr=log)
        try:
            wait_until((state / READY_FILE).exists, 30, "the forge")
            yield process
        finally:
            process.terminate()
            process.wait(30)


@contextmanager
def pipelines(path: Path, *libs: str, jobs: bool = True) -> Iterator[Pipelines]:
    """A forge whose ``jobs`` run, or wait for a test to play the runner. ``libs`` are copied from the repository."""
    world = World(path, "pipelines", 60, libs)
    with node(path) as made, around(path, world, made) as found, runner(found) if jobs else nullcontext():
        yield found


@contextmanager
def around(path: Path, world: World, made: Node, host: str = "127.0.0.1") -> Iterator[Pipelines]:
    """A forge on ``host``, and a control plane's state, for a repository and a node that are there."""
    for name in ("noxfile.py", "requirements.lock", ".gitignore"):
        shutil.copy2(SOURCE / name, world.root / name)
    shutil.copytree(SOURCE / ".gitea", world.root / ".gitea")
    (world.root / "local").mkdir(exist_ok=True)
    if not (world.root / "local/monorepo-id").exists():
        (world.root / "local/monorepo-id").write_text("mr-0123456789abcdef\n")
    port = free_port()
    url = f"http://{host}:{port}"
    with forge_daemon(path / "forge", port, host) as daemon:
        admin = Forge(Address(url), Login("root", Secret((path / "forge" / PASSWORD_FILE).read_text().strip())))
        login = service_login(admin)
        forge = Forge(Address(url), login)
        found = Pipelines(path, world, url, admin, forge, made, daemon)
        _settle(found, login, host)
        yield found
        forge.close()
        admin.close()


def borrow(found: Pipelines, access: NodeAccess) -> None:
    """Let the control plane use the node that the workstation has started."""
    told = {"host": access.host, "port": access.port, "user": access.user, "fingerprint": access.fingerprint}
    target = found.share / "embedded"
    target.mkdir(mode=0o700, exist_ok=True)
    mine = found.world.root / "local/share/embedded"
    for name in ("network.json", "revision.key", "login.json"):
        if (mine / name).exists():
            shutil.copy2(mine / name, target / name)
    if (mine / "authority").is_dir():
        shutil.copytree(mine / "authority", target / "authority", dirs_exist_ok=True)
    (target / "node-access.json").touch(mode=0o600)
    (target / "node-access.json").write_text(json.dumps({**told, "password": access.password.reveal()}))


def _settle(found: Pipelines, login: Login, host: str) -> None:
    """What travels to a control plane by a private way; recipes get an account where containers reach the forge."""
    assert login.token is not None
    accounts = {forge_accounts.SERVICE: ForgeAccount(found.url, login.user, login.token)}
    for name in names.ORGANISATIONS:
        organisations.ensure(found.forge, name)
    if host != "127.0.0.1":
        recipes = recipes_login(found.admin, found.forge)
        assert recipes.token is not None
        accounts[forge_accounts.RECIPES] = ForgeAccount(found.url, recipes.user, recipes.token)
    forge_accounts.write(found.share, accounts)
    settings = found.share / "config.json"
    settings.touch(mode=0o600)
    settings.write_text(json.dumps({**found.node.settings, NEWER_SETTING: "of a harness that is not released yet"}))


@contextmanager
def no_docker(path: Path) -> Iterator[Path]:
    """A directory with an engine's socket and a program ``docker``: whoever asks either of them fails the test."""
    lure = path / "docker"
    lure.mkdir()
    asked = lure / "asked"
    (lure / "docker").write_text(f'#!/bin/sh\necho "$0 $*" >>{asked}\n')
    (lure / "docker").chmod(0o755)
    with socket.socket(socket.AF_UNIX) as engine:
        engine.bind(str(lure / "docker.sock"))
        engine.listen()
        engine.setblocking(False)
        yield lure
        assert not asked.exists(), asked.read_text()
        with suppress(BlockingIOError):
            raise AssertionError(f"somebody asked the engine: {engine.accept()}")


@contextmanager
def runner(found: Pipelines) -> Iterator[None]:
    """A runner whose environment is a control plane's."""
    token = found.path / "registration"
    token.touch(mode=0o600)
    token.write_text(found.admin.post("admin/actions/runners/registration-token")["token"])
    argv = [sys.executable, "-m", "harness.embedded.runner", "--state", str(found.path / "runner")]
    argv += ["--forge", found.url, "--token-file", str(token), "--stop-grace", "1"]
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("GITOPS_", "PYTEST_", "GIT"))}
    own = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "GITOPS_SHARE": str(found.share),
        "GITOPS_CONFIG": str(found.share / "config.json"),
        "GITOPS_ENVIRONMENT": sys.prefix,
    }
    with (found.path / "runner.log").open("wb") as log, no_docker(found.path) as lure:
        own |= {"DOCKER_HOST": f"unix://{lure / 'docker.sock'}", "PATH": f"{lure}:{own['PATH']}"}
        process = subprocess.Popen(argv, cwd=SOURCE, env={**kept, **own}, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            process.wait(60)


def secret_texts(found: Pipelines) -> list[str]:
    """What nobody may get hold of."""
    login = found.forge.login
    assert login is not None
    assert login.token is not None
    key = next(iter(found.share.glob("*/revision.key")), None)
    texts = [found.node.password, "the-password-of-all-containers", login.token.reveal()]
    return [*texts, *([key.read_text().strip()] if key else [])]


def every_word(found: Pipelines, slug: str, number: int) -> str:
    """All that a pull request and its runs say."""
    said = "\n".join(one.body for one in comments.listed(found.forge, slug, number))
    sha = pulls.get(found.forge, slug, number).head_sha
    states = "\n".join(one.description for one in statuses.newest(found.forge, slug, sha).values())
    return f"{said}\n{states}\n{found.logs(slug)}"
