"""``snapshot``: a container archives its data by its own recipe, and the control plane keeps the newest archive too."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from harness.converge import engine, mirror
from harness.converge.cookbook import HELPERS, Cookbook
from harness.inventory.model import Container
from harness.kit.errors import ExitCode, HarnessError, UsageError
from harness.kit.files import private_directory, write_atomic
from harness.lifecycle import attributes, forge_attributes
from harness.lifecycle.workspace import Workspace
from harness.pipeline import assemble, checking, comment, door, inside, locks, scope, tell
from harness.pipeline.door import Office
from harness.pipeline.tell import Commit
from harness.remote.connection import Connection

RECIPE: Final = Path("recipes") / "snapshot.rb"
STORE: Final = "/share/snapshots"
"""Where ``Utils.snapshot`` leaves archives in the container (``Constants::SNAPSHOTS``)."""
KEPT: Final = 5
"""Archives of each container that the control plane keeps."""
_READ_SECONDS: Final = 1800.0


def snapshot(office: Office) -> int:
    """Archive the data of the job's container. Exit code 0: there is an archive of it, or its library asks for none."""
    job, _ = office.require()
    where = scope.of(job.repository)
    commit = Commit(job.repository, job.sha, job.page)
    office.voice.status(commit, tell.SNAPSHOT, "pending", "archiving")
    try:
        assemble.assemble(office, where)
        line = _archive(office, where)
    except HarnessError as error:
        office.voice.status(commit, tell.SNAPSHOT, "failure", comment.status_of(error, office.root))
        raise
    office.say(line)
    office.voice.status(commit, tell.SNAPSHOT, "success", line)
    return ExitCode.OK


def _archive(office: Office, where: scope.Scope) -> str:
    workspace = office.workspace(stage=where.stage)
    try:
        chosen = checking.chosen_names(workspace, where)
        if len(chosen) != 1:
            raise UsageError("a snapshot is of one container", hint="push to snapshot in the container's repository")
        container = workspace.inventory[chosen[0]]
        if not (container.directory / RECIPE).is_file():
            return f"{container.name} has no {RECIPE}: there is nothing to archive"
        with locks.held(workspace.share, [container.vmid]):
            return archive(workspace, container, office)
    finally:
        workspace.close()


def archive(workspace: Workspace, container: Container, office: Office) -> str:
    """Run the recipe and fetch the newest archive; what became of it, in words."""
    connection = inside.connect(workspace, container)
    _run_recipe(workspace, container, connection, office)
    name, data = newest(connection, container.name)
    path = keep(workspace.share.path / "snapshots" / _folder(container), name, data)
    return f"{path.name}: {len(data) / 1024:.0f} KiB"


def _run_recipe(workspace: Workspace, container: Container, connection: Connection, office: Office) -> None:
    """The cookbook with ``snapshot`` in the place of its default recipe: nothing else of it is run."""
    answer = mirror.ask_mirror(workspace.settings.cinc_mirror) if container.engine != engine.ITAMAE else None
    nobody = mirror.MirrorAnswer(workspace.settings.cinc_mirror or mirror.DEFAULT_MIRROR, None, "not asked")
    choice = engine.choose_engine(container.engine, answer or nobody)
    known = attributes.complete(
        container, workspace.inventory, workspace.login, workspace.password, sees_neighbours=True
    ) | forge_attributes.of(workspace, container)
    folder = door.private_folder()
    try:
        shutil.copytree(container.directory, folder / "cookbook", symlinks=True, ignore=shutil.ignore_patterns(".git"))
        shutil.copyfile(container.directory / RECIPE, folder / "cookbook" / "recipes" / "default.rb")
        cookbook = Cookbook(container.name, folder / "cookbook", workspace.root / HELPERS)
        engine.converge(connection, cookbook, known, choice, on_line=office.say)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def newest(connection: Connection, name: str) -> tuple[str, bytes]:
    """The newest archive in the container: its name and its bytes. Raises ``HarnessError`` when there is none."""
    listed = connection.run(f"ls -1 {STORE}/{name}/ 2>/dev/null || true", sudo=True, timeout=30).text.split()
    archives = sorted(entry for entry in listed if entry.startswith(f"{name}-") and entry.endswith(".tar.gz"))
    if not archives:
        raise HarnessError(
            f"{name}: its recipe left no archive in {STORE}/{name}", hint=f"call Utils.snapshot in {RECIPE}"
        )
    done = connection.run(f"cat {STORE}/{name}/{archives[-1]}", sudo=True, timeout=_READ_SECONDS)
    return archives[-1], done.stdout


def keep(folder: Path, name: str, data: bytes) -> Path:
    """Store an archive, private; the oldest beyond ``KEPT`` go."""
    path = private_directory(folder) / name
    write_atomic(path, data, mode=0o600)
    for old in sorted(folder.glob("*.tar.gz"))[:-KEPT]:
        old.unlink()
    return path


def _folder(container: Container) -> str:
    return f"{container.stage}-{container.name}" if container.stage else container.name
