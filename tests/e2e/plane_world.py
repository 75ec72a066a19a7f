"""A world with a local control plane of its own, and ways to ask the forges in it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Container
from contextlib import closing
from pathlib import Path

from harness.controlplane import container
from harness.controlplane.container import Place
from harness.embedded.engine import client as engine
from harness.forge import actions, pulls
from harness.forge.client import Address, Forge, Login
from harness.forge.errors import ForgeUnreachable
from harness.forge.model import Run
from harness.kit.clock import Deadline
from harness.kit.secret import Secret
from harness.lifecycle.workspace import Workspace
from harness.pve import tasks
from tests.e2e.world import SOURCE, World, free_port, wait_until

_PARTS = ("requirements.lock", "noxfile.py", "run", ".gitignore")
RUN_SECONDS = 420.0


class PlaneWorld(World):
    """A whole repository, in git, whose control plane is published on a port of its own."""

    def __init__(self, directory: Path, name: str, third: int, libs: tuple[str, ...]) -> None:
        super().__init__(directory, name, third, libs)
        self.plane_port = free_port()
        for part in _PARTS:
            shutil.copy2(SOURCE / part, self.root / part)
        shutil.copytree(SOURCE / ".gitea", self.root / ".gitea")
        embedded = {"name": name, "port": self.port}
        self.settings({"embedded": embedded, "control_plane": {"port": self.plane_port}})
        self.git("init", "--quiet", "--initial-branch", "main")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "A repository to begin with")

    def git(self, *words: str) -> str:
        """Output of git in the repository, as somebody."""
        who = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.com"]
        done = subprocess.run(["git", *who, *words], cwd=self.root, capture_output=True, text=True, check=True)
        return done.stdout

    @property
    def share(self) -> Path:
        """State of the embedded target on the workstation."""
        return self.root / "local" / "share" / "embedded"

    @property
    def authority(self) -> Path:
        """Certificate of the project's own authority."""
        return self.share / "authority" / "ca.crt"

    @property
    def place(self) -> Place:
        """Which local control plane is this world's."""
        return Place.of(self.share.parent, self.name)

    @property
    def local_url(self) -> str:
        """The local control plane's forge."""
        return f"http://localhost:{self.plane_port}"

    @property
    def inner_url(self) -> str:
        """The forge in the container ``config``."""
        return f"https://{self.prefix}.10"

    def forge(self, url: str) -> Forge:
        """A forge of this world, as its administrator."""
        login = json.loads((self.share / "login.json").read_text())
        ca = self.authority if url.startswith("https") else None
        return Forge(Address(url, ca), Login(f"gitops-{login['login']}", password=Secret(login["password"])))

    def accept(self, url: str, slug: str) -> Run:
        """Accept the release pull request of ``slug`` and wait until what it starts has ended."""
        with closing(self.forge(url)) as forge:
            before = {run.id for run in actions.runs(forge, slug, branch="release")}
            pull = next(one for one in pulls.listed(forge, slug) if one.title == "Release Pull Request")
            pulls.merge(forge, slug, pull.number, Deadline(30))
        return self.follow(url, slug, before, branch="release")

    def follow(self, url: str, slug: str, before: Container[int], **asked: str) -> Run:
        """Wait for the run that begins beside those of ``before``, and for its end."""
        with closing(self.forge(url)) as forge:

            def started() -> Run | None:
                return next((run for run in actions.runs(forge, slug, **asked) if run.id not in before), None)

            def ended() -> Run | None:
                try:
                    found = actions.get(forge, slug, run.id)
                except ForgeUnreachable:  # it restarts when the control plane changes itself
                    return None
                return found if found.status == "completed" else None

            run = wait_until(started, 30, f"a run of {slug}")
            return wait_until(ended, RUN_SECONDS, f"{slug}: end of run {run.id}")

    def delete(self, vmid: int) -> None:
        """Delete a container by way of the node, so that it has to be deployed again."""
        workspace = Workspace.open(self.root, self.environment, start_node=False, say=lambda _: None)
        with closing(workspace):
            place = f"nodes/pve/lxc/{vmid}"
            tasks.wait_for(workspace.pve, workspace.pve.post(f"{place}/status/stop"), Deadline(60))
            tasks.wait_for(workspace.pve, workspace.pve.delete(place), Deadline(60))

    def log(self, url: str, slug: str, run: Run) -> str:
        """What the jobs of a run have printed."""
        with closing(self.forge(url)) as forge:
            return "\n".join(actions.log(forge, slug, job.id) for job in actions.jobs(forge, slug, run.id))

    def local_id(self) -> str:
        """Id of the local control plane's Docker container, "" when there is none."""
        with closing(engine.connect()) as client:
            found = container.find(client, self.place)
        return found.id if found else ""

    def stop_plane(self) -> None:
        """Stop the local control plane."""
        with closing(engine.connect()) as client:
            container.stop(client, self.place)

    def close(self) -> None:
        """Delete the control plane with its data, then the node."""
        try:
            with closing(engine.connect()) as client:
                container.destroy(client, self.place, data=True)
        finally:
            super().close()
