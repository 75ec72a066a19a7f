"""Merging, squashing and rebasing without a work tree, by ``git merge-tree --write-tree`` (git 2.38 or newer)."""

from __future__ import annotations

from collections.abc import Sequence

from harness.embedded.forge.git import history, trees
from harness.embedded.forge.git.repository import GitRepository
from harness.embedded.forge.git.trees import Identity


class MergeConflictError(Exception):
    """Two sides changed the same thing; ``files`` says where."""

    def __init__(self, files: Sequence[str]) -> None:
        super().__init__(f"conflict in {', '.join(files) or 'unrelated histories'}")
        self.files = tuple(files)


def merged_tree(repository: GitRepository, ours: str, theirs: str) -> str:
    """The tree of merging ``theirs`` into ``ours``; raises ``MergeConflictError``."""
    done = repository.run("merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", ours, theirs, check=False)
    tokens = done.stdout.decode(errors="replace").split("\0")
    if done.code:
        raise MergeConflictError([name for name in tokens[1:] if name])
    return tokens[0].strip()


def merge(repository: GitRepository, base: str, head: str, message: str, who: Identity) -> str:
    """A merge commit of ``head`` into ``base``."""
    tree = merged_tree(repository, base, head)
    return trees.commit_tree(repository, tree, [base, head], message, who, who)


def squash(repository: GitRepository, base: str, head: str, message: str, author: Identity, who: Identity) -> str:  # noqa: PLR0917
    """Everything of ``head`` as one commit on ``base``."""
    tree = merged_tree(repository, base, head)
    return trees.commit_tree(repository, tree, [base], message, author, who)


def rebase(repository: GitRepository, base: str, head: str, who: Identity) -> str:
    """The commits of ``head`` that ``base`` lacks, laid on ``base`` one by one; the new tip."""
    options = ("--reverse", "--topo-order", "--no-merges", "--cherry-pick", "--right-only")
    tip = base
    for commit in history.walk(repository, [f"{base}...{head}"], options=options):
        tip = _pick(repository, tip, commit, who)
    return tip


def _pick(repository: GitRepository, tip: str, commit: history.Commit, who: Identity) -> str:
    """``commit`` on ``tip``: a three-way merge whose base is the commit's own parent."""
    stand_in = trees.commit_tree(repository, f"{tip}^{{tree}}", commit.parents[:1], "stand-in\n", who, who)
    tree = merged_tree(repository, stand_in, commit.sha)
    if tree == repository.text("rev-parse", f"{tip}^{{tree}}"):
        return tip  # the change is there already
    author = Identity(commit.author.name, commit.author.email, commit.author.date)
    return trees.commit_tree(repository, tree, [tip], commit.message, author, who)
