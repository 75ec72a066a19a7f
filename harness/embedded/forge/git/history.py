"""Commits: reading them, walking history, and what each changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from harness.embedded.forge.git.repository import GitRepository

_FIELDS = ("%H", "%T", "%P", "%an", "%ae", "%aI", "%cn", "%ce", "%cI", "%B")
_FORMAT = "--format=tformat:" + "%x00".join(_FIELDS)


@dataclass(frozen=True, slots=True)
class Person:
    """Who, and when (ISO 8601 with zone)."""

    name: str
    email: str
    date: str


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit; ``message`` ends with its newline."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Person
    committer: Person
    message: str

    @property
    def title(self) -> str:
        """The first line of the message."""
        return self.message.split("\n", 1)[0]


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file that a commit or a range changed; ``status`` is git's letter, lines are -1 for binary files."""

    path: str
    status: str
    additions: int = 0
    deletions: int = 0
    previous: str = ""


@dataclass(slots=True)
class Changes:
    """The files of one commit, while they are being read."""

    files: list[FileChange] = field(default_factory=list)

    @property
    def additions(self) -> int:
        """Lines added in all files."""
        return sum(max(change.additions, 0) for change in self.files)

    @property
    def deletions(self) -> int:
        """Lines removed in all files."""
        return sum(max(change.deletions, 0) for change in self.files)


def read(repository: GitRepository, sha: str) -> Commit:
    """One commit by its full name."""
    return walk(repository, [sha], limit=1)[0]


def read_many(repository: GitRepository, shas: Sequence[str]) -> dict[str, Commit]:
    """Several commits by name, in one git process."""
    if not shas:
        return {}
    out = repository.run("log", "-z", "--no-walk", _FORMAT, "--stdin", stdin="\n".join(shas).encode() + b"\n")
    return {commit.sha: commit for commit in _parse(out.stdout)}


def walk(
    repository: GitRepository,
    revs: Sequence[str],
    *,
    limit: int | None = None,
    skip: int = 0,
    path: str = "",
    options: Sequence[str] = (),
) -> list[Commit]:
    """Newest first: what ``revs`` (full names, ``^`` before what is left out) reach, that touched ``path``."""
    return list(_parse(repository.run("log", "-z", _FORMAT, *_walk(revs, limit, skip, path, options)).stdout))


def count(repository: GitRepository, revs: Sequence[str], *, path: str = "", options: Sequence[str] = ()) -> int:
    """How many commits ``walk`` would find without a limit."""
    return int(repository.text("rev-list", "--count", *_walk(revs, None, 0, path, options)) or 0)


def _walk(revs: Sequence[str], limit: int | None, skip: int, path: str, options: Sequence[str]) -> list[str]:
    bounds = [*([f"--max-count={limit}"] if limit is not None else []), f"--skip={skip}"]
    return [*bounds, *options, *revs, "--", *([f":(literal){path}"] if path else [])]


def _parse(raw: bytes) -> Iterator[Commit]:
    tokens = raw.decode(errors="replace").split("\0")
    width = len(_FIELDS)
    for start in range(0, len(tokens) - width + 1, width):
        sha, tree, parents, an, ae, ad, cn, ce, cd, message = tokens[start : start + width]
        author, committer = Person(an, ae, ad), Person(cn, ce, cd)
        yield Commit(sha.lstrip("\n"), tree, tuple(parents.split()), author, committer, message)


def changes(repository: GitRepository, shas: Iterable[str]) -> dict[str, Changes]:
    """What each commit changed against its first parent, renames shown as removal and addition."""
    wanted = list(shas)
    if not wanted:
        return {}
    argv = ["log", "-z", "--no-walk", "--diff-merges=first-parent", "--no-renames", "--raw", "--numstat", "--root"]
    out = repository.run(*argv, "--format=tformat:%x01%H", "--stdin", stdin="\n".join(wanted).encode() + b"\n")
    found: dict[str, Changes] = {}
    tokens = out.stdout.decode(errors="replace").split("\0")
    starts = [at for at, token in enumerate(tokens) if token.lstrip("\n").startswith("\x01")]
    for start, end in zip(starts, [*starts[1:], len(tokens)], strict=True):
        sha = tokens[start].lstrip("\n")[1:41]
        rest = tokens[start].lstrip("\n")[41:].lstrip("\n")
        found[sha] = Changes(file_changes([rest, *tokens[start + 1 : end]]))
    return found


def between(repository: GitRepository, old: str, new: str) -> list[FileChange]:
    """Files that differ between two trees, renames found."""
    out = repository.run("diff", "-z", "-M", "--raw", "--numstat", old, new, "--")
    return file_changes(out.stdout.decode(errors="replace").split("\0"))


def file_changes(tokens: Sequence[str]) -> list[FileChange]:
    """The entries of ``--raw --numstat -z`` output put together, in order of path."""
    status: dict[str, tuple[str, str]] = {}
    lines: dict[str, tuple[int, int]] = {}
    at = iter(tokens)
    for token in at:
        entry = token.lstrip("\n")
        if entry.startswith(":"):
            letter, first = entry.split(" ")[4][0], next(at)
            path = next(at) if letter in "RC" else first
            status[path] = (letter, first if letter in "RC" else "")
        elif entry.count("\t") == 2:
            added, removed, path = entry.split("\t")
            if not path:  # a rename: the two names follow
                next(at)
                path = next(at)
            lines[path] = (_number(added), _number(removed))
    return [FileChange(path, letter, *lines.get(path, (0, 0)), old) for path, (letter, old) in status.items()]


def _number(text: str) -> int:
    return int(text) if text.isdigit() else -1


def merge_base(repository: GitRepository, one: str, other: str) -> str | None:
    """The best common ancestor, if the histories meet."""
    done = repository.run("merge-base", one, other, check=False)
    return done.text.strip() or None


def is_ancestor(repository: GitRepository, old: str, new: str) -> bool:
    """Whether ``new`` holds everything of ``old``."""
    return repository.run("merge-base", "--is-ancestor", old, new, check=False).code == 0


def diff(repository: GitRepository, old: str, new: str, *, binary: bool = False) -> bytes:
    """The difference of two trees as a patch."""
    return repository.run("diff", "-M", *(["--binary"] if binary else []), old, new, "--").stdout


def show(repository: GitRepository, sha: str, kind: str) -> bytes:
    """One commit as ``diff`` or mailbox ``patch``."""
    if kind == "patch":
        return repository.run("format-patch", "-1", "--stdout", sha).stdout
    argv = ["show", "--format=", "--diff-merges=first-parent", "-M", sha, "--"]
    return repository.run(*argv).stdout


def patches(repository: GitRepository, old: str, new: str) -> bytes:
    """A range as a mailbox."""
    return repository.run("format-patch", "--stdout", f"{old}..{new}").stdout
