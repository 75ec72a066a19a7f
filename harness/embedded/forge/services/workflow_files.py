"""The workflow files of a commit, and which of them are switched off."""

from __future__ import annotations

from dataclasses import dataclass

from harness.embedded.forge.errors import ForbiddenError, MissingError
from harness.embedded.forge.forge import Forge
from harness.embedded.forge.git import history, trees
from harness.embedded.forge.git.repository import GitFailedError, GitRepository
from harness.embedded.forge.store.records import Repository
from harness.embedded.forge.workflows import cron, parse
from harness.embedded.forge.workflows.errors import WorkflowError

DIRECTORIES = (".gitea/workflows", ".github/workflows")


@dataclass(frozen=True, slots=True)
class Source:
    """A workflow file: its path and its text."""

    path: str
    text: str

    @property
    def name(self) -> str:
        """The file's own name, by which the API knows it."""
        return self.path.rsplit("/", 1)[-1]


def at(git: GitRepository, sha: str) -> list[Source]:
    """The workflow files of a commit; the first directory that has any counts."""
    for directory in DIRECTORIES:
        try:
            found = trees.listing(git, sha, directory)
        except GitFailedError:
            continue  # the directory is not there
        files = [entry for entry in found if entry.type == "file" and entry.name.endswith((".yml", ".yaml"))]
        if files:
            return [Source(entry.path, git.blob(entry.sha).decode(errors="replace")) for entry in files]
    return []


def of_default_branch(forge: Forge, repository: Repository) -> list[Source]:
    """The workflow files that the API lists."""
    git = forge.git(repository.id)
    sha = git.branch(repository.default_branch)
    return at(git, sha) if sha else []


def find(forge: Forge, repository: Repository, name: str, words: str) -> Source:
    """One of them; raises ``MissingError`` saying ``words``."""
    for source in of_default_branch(forge, repository):
        if source.name == name:
            return source
    raise MissingError(f'workflow "{name}" {words}')


def is_off(forge: Forge, repository: Repository, name: str) -> bool:
    """Whether somebody has switched it off."""
    return forge.db.value("SELECT 1 FROM workflow_off WHERE repo_id = ? AND file = ?", repository.id, name) is not None


def switch(forge: Forge, repository: Repository, name: str, *, on: bool) -> None:
    """Switch a workflow on or off."""
    find(forge, repository, name, "not found")
    if on:
        forge.db.run("DELETE FROM workflow_off WHERE repo_id = ? AND file = ?", repository.id, name)
    else:
        forge.db.run("INSERT OR IGNORE INTO workflow_off VALUES (?, ?)", repository.id, name)


def refuse_off(forge: Forge, repository: Repository, name: str) -> None:
    """Raise ``ForbiddenError`` when it is switched off."""
    if is_off(forge, repository, name):
        raise ForbiddenError("workflow is disabled")


def times(forge: Forge, repository: Repository, path: str) -> tuple[str, str]:
    """When a file of the default branch first and last changed."""
    git = forge.git(repository.id)
    found = history.walk(git, [f"refs/heads/{repository.default_branch}"], path=path)
    return found[-1].author.date, found[0].author.date


def note_schedules(forge: Forge, repository: Repository, sha: str, now: int) -> None:
    """Remember when the workflows of the default branch are due; what was there already keeps its time."""
    wanted = {(source.name, line) for source in at(forge.git(repository.id), sha) for line in _crons(source)}
    sql = "SELECT file, cron FROM schedule WHERE repo_id = ?"
    known = {(row[0], row[1]) for row in forge.db.connection.execute(sql, (repository.id,))}
    with forge.db.write():
        for file, line in known - wanted:
            sql = "DELETE FROM schedule WHERE repo_id = ? AND file = ? AND cron = ?"
            forge.db.run(sql, repository.id, file, line)
        for file, line in wanted - known:
            due = cron.read(line).after(now)
            forge.db.run("INSERT INTO schedule VALUES (?, ?, ?, ?)", repository.id, file, line, due)


def _crons(source: Source) -> tuple[str, ...]:
    try:
        return parse.triggers(source.path, source.text).crons
    except WorkflowError:
        return ()  # its run says what is wrong
