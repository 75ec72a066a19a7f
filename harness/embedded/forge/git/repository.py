"""One bare repository: run git in it, resolve names, read objects, move refs."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.embedded.forge.git import environment, names
from harness.kit import process

_TIMEOUT = 120.0


class GitFailedError(Exception):
    """git refused; its own words."""


class StaleRefError(Exception):
    """A ref did not hold what it was expected to hold: somebody was faster."""


@dataclass(frozen=True, slots=True)
class Ref:
    """A ref: its full name, what it points to, and the kind of that (commit or tag)."""

    name: str
    sha: str
    kind: str


class GitRepository:
    """A bare repository directory. Cheap to make; holds no process."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def run(
        self, *argv: str, stdin: bytes = b"", env: Mapping[str, str] | None = None, check: bool = True
    ) -> process.Completed:
        """Run git here; raises ``GitFailedError`` on a non-zero code when ``check``."""
        full = {**environment.environment(self.path.parent), "GIT_DIR": str(self.path), **(env or {})}
        done = process.run(["git", *argv], stdin=stdin, env=full, cwd=self.path, timeout=_TIMEOUT, check=False)
        if check and done.code:
            raise GitFailedError(done.error_text.strip())
        return done

    def text(self, *argv: str, stdin: bytes = b"") -> str:
        """Standard output without its last newline."""
        return self.run(*argv, stdin=stdin).text.rstrip("\n")

    def create(self, branch: str) -> None:
        """Make the directory, its ``HEAD`` on ``branch``."""
        self.path.mkdir(parents=True)
        self.run("init", "-q", "--bare", f"--initial-branch={branch}", str(self.path))

    def delete(self) -> None:
        """Remove the directory with everything in it."""
        shutil.rmtree(self.path, ignore_errors=True)

    def set_head(self, branch: str) -> None:
        """What a clone checks out."""
        self.run("symbolic-ref", "HEAD", f"refs/heads/{branch}")

    def check(self, specs: Iterable[str]) -> list[tuple[str, str, int] | None]:
        """``(sha, kind, size)`` of each object expression, or ``None``; the expressions are ours, not a user's."""
        wanted = "".join(f"{spec}\n" for spec in specs).encode()
        out = self.run("cat-file", "--batch-check", stdin=wanted).text
        return [_checked(line) for line in out.splitlines()]

    def resolve(self, rev: str) -> str | None:
        """The commit of a branch, a tag, a full ref or a (shortened) commit name."""
        specs = []
        if names.is_ref_name(rev):
            places = ("refs/heads/", "refs/tags/") if not rev.startswith("refs/") else ("", "refs/heads/")
            specs = [f"{place}{rev}^{{commit}}" for place in places]
        if names.is_sha(rev):
            specs.append(f"{rev}^{{commit}}")
        found = [entry for entry in self.check(specs) if entry] if specs else []
        return found[0][0] if found else None

    def branch(self, name: str) -> str | None:
        """The commit that branch ``name`` holds."""
        if not names.is_ref_name(name):
            return None
        found = self.check([f"refs/heads/{name}^{{commit}}"])[0]
        return found[0] if found else None

    def is_object(self, sha: str) -> bool:
        """Whether the full object name exists."""
        return names.is_full_sha(sha) and self.check([sha])[0] is not None

    def blob(self, sha: str) -> bytes:
        """The bytes of a blob."""
        return self.run("cat-file", "blob", sha).stdout

    def refs(self, *patterns: str, sort: str = "refname") -> list[Ref]:
        """Refs below the patterns, or all."""
        form = "--format=%(refname)%00%(objectname)%00%(objecttype)"
        lines = self.text("for-each-ref", f"--sort={sort}", form, *patterns).splitlines()
        return [Ref(*line.split("\0")) for line in lines]

    def move(self, ref: str, new: str, old: str) -> None:
        """Set ``ref`` to ``new`` if it holds ``old`` (``names.ZERO``: if it does not exist)."""
        done = self.run("update-ref", ref, new, old, check=False)
        if done.code:
            raise StaleRefError(f"{ref}: {done.error_text.strip()}")

    def remove(self, ref: str, old: str = "") -> None:
        """Delete ``ref`` if it holds ``old``."""
        done = self.run("update-ref", "-d", ref, *([old] if old else []), check=False)
        if done.code:
            raise StaleRefError(f"{ref}: {done.error_text.strip()}")

    def size_kib(self) -> int:
        """Roughly what the objects take on disk."""
        out = self.text("count-objects", "-v")
        sizes = dict(line.split(": ") for line in out.splitlines() if ": " in line)
        return int(sizes.get("size", 0)) + int(sizes.get("size-pack", 0)) + 22


def _checked(line: str) -> tuple[str, str, int] | None:
    parts = line.rsplit(" ", 2)
    if len(parts) != 3 or not parts[2].isdigit():
        return None
    return parts[0], parts[1], int(parts[2])
