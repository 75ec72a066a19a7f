"""Trees and blobs: listing, finding, and making new commits out of file changes."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.embedded.forge.git import names
from harness.embedded.forge.git.repository import GitRepository


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a tree. ``kind`` is blob, tree or commit (a submodule); ``size`` is -1 where it has none."""

    mode: str
    kind: str
    sha: str
    size: int
    path: str

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rsplit("/", 1)[-1]

    @property
    def type(self) -> str:
        """What Gitea calls it: file, dir, symlink or submodule."""
        if self.mode == "120000":
            return "symlink"
        return {"tree": "dir", "commit": "submodule"}.get(self.kind, "file")


@dataclass(frozen=True, slots=True)
class Identity:
    """A name and an address for a commit; ``date`` empty means now."""

    name: str
    email: str
    date: str = ""


@dataclass(frozen=True, slots=True)
class Edit:
    """A change to one path: the new blob, or ``None`` to remove it."""

    path: str
    sha: str | None
    mode: str = "100644"


def entries(repository: GitRepository, tree: str, *, recursive: bool = False) -> list[Entry]:
    """What a tree holds, in git's order; ``recursive`` goes down and shows the trees too."""
    argv = ["ls-tree", "-z", "-l", *(["-r", "-t"] if recursive else []), tree]
    return [_entry(line) for line in repository.run(*argv).stdout.decode(errors="replace").split("\0") if line]


def _entry(line: str) -> Entry:
    head, path = line.split("\t", 1)
    mode, kind, sha, size = head.split()
    return Entry(mode, kind, sha, int(size) if size.isdigit() else -1, path)


def find(repository: GitRepository, commit: str, path: str) -> Entry | None:
    """The entry at ``path`` of a commit."""
    if not names.is_tree_path(path):
        return None
    argv = ["--literal-pathspecs", "ls-tree", "-z", "-l", "--full-tree", commit, "--", path]
    out = repository.run(*argv).stdout.decode(errors="replace")
    return _entry(out.split("\0")[0]) if out else None


def listing(repository: GitRepository, commit: str, path: str) -> list[Entry]:
    """The entries of the directory ``path`` (empty: the root), their paths from the root."""
    tree = f"{commit}:{path}" if path else f"{commit}^{{tree}}"
    prefix = f"{path}/" if path else ""
    found = entries(repository, tree)
    return [Entry(entry.mode, entry.kind, entry.sha, entry.size, prefix + entry.path) for entry in found]


def last_commits(repository: GitRepository, commit: str, directory: str, paths: Sequence[str]) -> dict[str, str]:
    """For each path of one directory the newest commit that touched it or something below."""
    wanted, found = set(paths), dict[str, str]()
    where = [f":(literal){directory}"] if directory else []
    argv = ["log", "-z", "--format=tformat:%x01%H", "--name-only", "-m", "--first-parent", "--no-renames"]
    tokens = repository.run(*argv, commit, "--", *where).stdout.decode(errors="replace").split("\0")
    depth, current = (directory.count("/") + 2 if directory else 1), commit
    for token in tokens:
        text = token.lstrip("\n")
        if text.startswith("\x01"):
            current, text = text[1:41], text[41:].lstrip("\n")
        top = "/".join(text.split("/")[:depth])
        if top in wanted and top not in found:
            found[top] = current
    return {path: found.get(path, commit) for path in paths}


def write_blob(repository: GitRepository, data: bytes) -> str:
    """Store bytes; the blob's name."""
    return repository.run("hash-object", "-w", "--stdin", stdin=data).text.strip()


def edited_tree(repository: GitRepository, commit: str | None, edits: Sequence[Edit]) -> str:
    """The tree of ``commit`` (``None``: an empty one) with the edits made; its name."""
    with tempfile.TemporaryDirectory(prefix="index-") as scratch:
        env = {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
        repository.run("read-tree", *([commit] if commit else ["--empty"]), env=env)
        lines = "".join(_index_line(edit) for edit in edits)
        repository.run("update-index", "-z", "--index-info", stdin=lines.encode(), env=env)
        return repository.run("write-tree", env=env).text.strip()


def _index_line(edit: Edit) -> str:
    if edit.sha is None:
        return f"0 {names.ZERO}\t{edit.path}\0"
    return f"{edit.mode} {edit.sha}\t{edit.path}\0"


def commit_tree(  # noqa: PLR0917
    repository: GitRepository,
    tree: str,
    parents: Sequence[str],
    message: str,
    author: Identity,
    committer: Identity,
) -> str:
    """A new commit object; no ref moves."""
    env = {**_identity("AUTHOR", author), **_identity("COMMITTER", committer)}
    argv = ["commit-tree", tree, *(word for parent in parents for word in ("-p", parent))]
    return repository.run(*argv, stdin=message.encode(), env=env).text.strip()


def _identity(role: str, who: Identity) -> dict[str, str]:
    found = {f"GIT_{role}_NAME": who.name, f"GIT_{role}_EMAIL": who.email}
    return {**found, **({f"GIT_{role}_DATE": who.date} if who.date else {})}
