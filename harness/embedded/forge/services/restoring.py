"""Going back: a pull request that brings the files of an older branch forward.

``release`` never moves backwards. The files of ``snapshot`` or ``rollback`` become a new commit on top of it, which a
person accepts like any other change.
"""

from __future__ import annotations

from harness.embedded.forge.access import Identity
from harness.embedded.forge.errors import ConflictError, not_found
from harness.embedded.forge.forge import Forge
from harness.embedded.forge.git import names, trees
from harness.embedded.forge.services import events, pulls
from harness.embedded.forge.services.repositories import signature
from harness.embedded.forge.store import pulls as pulls_store
from harness.embedded.forge.store.records import Pull, Repository

TARGET = "release"
SOURCES = ("snapshot", "rollback")


def is_older(forge: Forge, repository: Repository, branch: str, sha: str) -> bool:
    """Whether the branch is one to go back to: it has files, and they differ from those that are released.

    Branches of a new repository begin without files; bringing that forward would remove everything.
    """
    if branch not in SOURCES:
        return False
    source, target = forge.git(repository.id).check([f"{sha}^{{tree}}", f"refs/heads/{TARGET}^{{tree}}"])
    if source is None or target is None:
        return False
    tree, _, size = source
    return size > 0 and tree != target[0]


def propose(forge: Forge, identity: Identity, repository: Repository, branch: str, base: str) -> Pull:
    """The pull request, opened now or open already; raises ``ConflictError`` when there is nothing to bring back."""
    git, doer = forge.git(repository.id), identity.user
    source, target = git.branch(branch), git.branch(TARGET)
    if doer is None or branch not in SOURCES or source is None or target is None:
        raise not_found()
    if not is_older(forge, repository, branch, source):
        raise ConflictError(f"{branch} holds no files other than those of {TARGET}: there is nothing to bring back")
    head = f"restore-{branch}-{source[:10]}-{target[:10]}"
    known = pulls_store.open_between(forge.db, repository.id, TARGET, repository.id, head)
    if known:
        return known
    if git.branch(head) is None:
        who = signature(doer)
        message = f"Bring back {branch} ({source[:10]})\n"
        commit = trees.commit_tree(git, f"{source}^{{tree}}", [target], message, who, who)
        git.move(f"refs/heads/{head}", commit, names.ZERO)
        events.pushed(forge, repository, doer, [(f"refs/heads/{head}", names.ZERO, commit)], base)
    details = {
        "head": head,
        "base": TARGET,
        "title": f"Bring back {branch}",
        "body": f"The files of `{branch}` at {source[:10]}, on top of what is released now.",
    }
    made = pulls.create(forge, doer, repository, details)
    events.pull(forge, doer, made, "opened", base)
    return made
