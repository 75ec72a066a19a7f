"""What runs by the clock, each a repository with one workflow: its page shows the last result, and starts it by hand.

A person may change when a task runs: once a commit is theirs, the repository is theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from harness.forge import branches
from harness.lifecycle.seeding import names
from harness.lifecycle.seeding.desk import Desk
from harness.lifecycle.seeding.report import Outcome, SeededRepository
from harness.repo.objects import FILE, Entry, blob_id, tree_id
from harness.repo.remote import RemoteError

_FOLDER: Final = Path(__file__).parent / "workflows" / "tasks"
_TRAILER: Final = "Gitops: seed"
_MESSAGE: Final = f"Lay down the task\n\n{_TRAILER}\n"


def slugs() -> dict[str, str]:
    """Every task's repository with what it is for (the first line of its workflow)."""
    return {names.task(file.stem): _purpose(file) for file in sorted(_FOLDER.glob("*.yml"))}


def _purpose(file: Path) -> str:
    return file.read_text().partition("\n")[0].lstrip("# ")


def ensure(desk: Desk, slug: str, heads: Mapping[str, str]) -> SeededRepository:
    """Bring a task's ``main`` to what the harness ships, unless a person has changed it."""
    texts = _files(_FOLDER / f"{slug.partition('/')[2]}.yml")
    files = {path: Entry(FILE, blob_id(text)) for path, text in texts.items()}
    head = heads.get(names.TRUNK)
    if head and desk.scratch.tree_of(head) == tree_id(files):
        return SeededRepository(slug, Outcome.UNCHANGED, head)
    if head and _TRAILER not in desk.scratch.text("log", "-1", "--format=%B", head):
        return SeededRepository(slug, Outcome.AHEAD, head)
    sha = desk.commit(slug, files, texts.get, (head,) if head else (), _MESSAGE)
    (pushed,) = desk.scratch.push(desk.remote, slug, {names.TRUNK: sha})
    if pushed.refused:
        raise RemoteError(f"push to {slug}: {pushed.refused}", hint="try again")
    branches.wait(desk.forge, slug, names.TRUNK, sha, desk.deadline())
    return SeededRepository(slug, Outcome.MOVED if head else Outcome.CREATED, sha)


def _files(workflow: Path) -> dict[str, bytes]:
    title = f"# {workflow.stem}\n\n{_purpose(workflow)}\n"
    return {f".gitea/workflows/{workflow.name}": workflow.read_bytes(), "README.md": title.encode()}
