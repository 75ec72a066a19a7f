"""A bare repository of ours, in which commits are made and from which they are pushed.

It is a cache: deleted, it is filled again. Nothing of the user's git (hooks, aliases, signing, url rewriting) reaches
into it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.kit import process
from harness.kit.errors import HarnessError
from harness.repo.objects import Entry, decode
from harness.repo.remote import Remote, failure

TIMEOUT: Final = 300.0
_ISOLATED: Final = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}


class ScratchError(HarnessError):
    """git failed in our own repository."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of one branch. ``refused``: the forge's words; None when it holds now what was pushed."""

    branch: str
    refused: str | None


class Scratch:
    """A bare repository at ``path``."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def open(cls, path: Path) -> Scratch:
        """The repository at ``path``, made when missing."""
        scratch = cls(path)
        if not (path / "HEAD").exists():
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            scratch.run("init", "-q", "--bare", "--initial-branch=main", str(path))
        return scratch

    def run(
        self, *argv: str, stdin: bytes = b"", env: Mapping[str, str] | None = None, check: bool = True
    ) -> process.Completed:
        """Run git here; raises ``ScratchError``."""
        full = {**_ISOLATED, "GIT_DIR": str(self.path), **(env or {})}
        done = process.run(["git", *argv], stdin=stdin, env=full, cwd=self.path, timeout=TIMEOUT, check=False)
        if check and done.code:
            raise ScratchError(f"git {argv[0]}: {done.error_text.strip()}", hint=f"rm -r {self.path} and try again")
        return done

    def text(self, *argv: str) -> str:
        """What git prints, without the newline at its end."""
        return self.run(*argv).text.rstrip("\n")

    def missing(self, oids: Iterable[str]) -> set[str]:
        """Those of the objects that are not here."""
        wanted = "".join(f"{oid}\n" for oid in oids).encode()
        lines = self.run("cat-file", "--batch-check=%(objectname)", stdin=wanted).text.splitlines()
        return {line.split()[0] for line in lines if line.endswith(" missing")}

    def has(self, sha: str) -> bool:
        """Whether the commit is here."""
        return not self.missing([sha])

    def tree_of(self, sha: str) -> str:
        """The tree of a commit."""
        return self.text("rev-parse", "--verify", f"{sha}^{{tree}}")

    def entries(self, sha: str) -> dict[str, Entry]:
        """All files and submodules of a commit."""
        found = {}
        for line in self.run("ls-tree", "-r", "-z", "--full-tree", sha).stdout.split(b"\0"):
            if line:
                facts, _, path = line.partition(b"\t")
                mode, _, oid = facts.decode().split()
                found[decode(path)] = Entry(mode, oid)
        return found

    def blob(self, sha: str, path: str) -> bytes | None:
        """A file's bytes at a commit; None when it is not there."""
        done = self.run("cat-file", "blob", f"{sha}:{path}", check=False)
        return done.stdout if not done.code else None

    def sizes(self, oids: Iterable[str]) -> dict[str, int]:
        """Bytes of each object; those that are not here are left out."""
        lines = self.run("cat-file", "--batch-check=%(objectname) %(objectsize)", stdin=_listed(oids)).text.splitlines()
        return {oid: int(size) for oid, size in (line.split() for line in lines) if size.isdigit()}

    def contents(self, oids: Iterable[str]) -> dict[str, bytes]:
        """The bytes of each object; raises ``ScratchError`` for one that is not here."""
        wanted = list(oids)
        data = self.run("cat-file", "--batch", stdin=_listed(wanted)).stdout
        found, start = {}, 0
        for oid in wanted:
            head = data[start : (end := data.index(b"\n", start))].decode().split()
            if len(head) != 3:
                raise ScratchError(f"git cat-file: {oid} is not here", hint=f"rm -r {self.path} and try again")
            start = end + 1 + int(head[2])
            found[oid] = data[end + 1 : start]
            start += 1
        return found

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether ``newer`` is or follows ``older``; False where one of them is not here."""
        return older == newer or not self.run("merge-base", "--is-ancestor", older, newer, check=False).code

    def ref(self, name: str) -> str | None:
        """The commit that a ref of ours holds."""
        done = self.run("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", check=False)
        return done.text.strip() or None

    def refs(self, below: str) -> dict[str, str]:
        """Refs of ours below a prefix, without it, and the commits that they hold."""
        lines = self.text("for-each-ref", "--format=%(objectname) %(refname)", below).splitlines()
        return {name.removeprefix(below): sha for sha, _, name in (line.partition(" ") for line in lines)}

    def keep(self, name: str, sha: str) -> None:
        """Let a ref of ours hold ``sha``."""
        self.run("update-ref", name, sha)

    def fetch(self, remote: Remote, slug: str, *refspecs: str, depth: int | None = None) -> None:
        """Get commits of a forge's repository; raises ``RemoteError`` or ``RemoteUnreachable``."""
        how = ["--no-tags", "--no-write-fetch-head", "--prune", "--quiet", *([f"--depth={depth}"] if depth else [])]
        done = self.run("fetch", *how, remote.url(slug), *refspecs, env=remote.environment(), check=False)
        if done.code:
            raise failure(f"fetch of {slug}", done)

    def fetch_local(self, directory: Path, ref: str) -> bool:
        """Get ``HEAD`` of a working tree on this machine as ``ref``; whether it has one."""
        # The user's own configuration counts here: it says whose repositories git may read (safe.directory).
        env = {"GIT_DIR": str(self.path), "GIT_TERMINAL_PROMPT": "0"}
        argv = ["git", "fetch", "--no-tags", "--no-write-fetch-head", "--quiet", str(directory), f"+HEAD:{ref}"]
        return not process.run(argv, env=env, cwd=self.path, timeout=TIMEOUT, check=False).code

    def push(self, remote: Remote, slug: str, branches: Mapping[str, str]) -> tuple[Pushed, ...]:
        """Move branches of a forge's repository to commits that are here, forward only.

        Raises ``RemoteError`` or ``RemoteUnreachable`` when the forge did not take part at all.
        """
        refspecs = [f"{sha}:refs/heads/{branch}" for branch, sha in branches.items()]
        how = ["--porcelain", "--no-verify", "--quiet"]
        done = self.run("push", *how, remote.url(slug), *refspecs, env=remote.environment(), check=False)
        refused = dict(_refused(line) for line in done.text.splitlines() if line.startswith("!\t"))
        if done.code and not refused:
            raise failure(f"push to {slug}", done)
        return tuple(Pushed(branch, refused.get(branch)) for branch in branches)


def _listed(oids: Iterable[str]) -> bytes:
    return "".join(f"{oid}\n" for oid in oids).encode()


def _refused(line: str) -> tuple[str, str]:
    """Branch and reason of a porcelain line ``!<tab><from>:<to><tab>[rejected] (reason)``."""
    _, refs, summary = (*line.split("\t", 2), "")[:3]
    return refs.rpartition(":")[2].removeprefix("refs/heads/"), summary.strip()
