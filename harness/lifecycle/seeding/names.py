"""What repositories, branches and pull requests are called on every forge."""

from __future__ import annotations

from typing import Final

from harness.repo.parts import ROOT

MAIN: Final = "main"
"""The organisation of the monorepo."""
STAGE: Final = "stage"
"""The organisation of the forks that are deployed beside the containers."""
TASKS: Final = "tasks"
"""The organisation of what runs by the clock."""
ORGANISATIONS: Final = {
    MAIN: "The monorepo and its parts",
    STAGE: "Containers as they are tried out, each beside the real one",
    TASKS: "What runs by the clock",
}

TRUNK: Final = "main"
RELEASE: Final = "release"
SNAPSHOT: Final = "snapshot"
ROLLBACK: Final = "rollback"
BRANCHES: Final = (TRUNK, RELEASE, SNAPSHOT, ROLLBACK)

RELEASE_TITLE: Final = "Release Pull Request"
RECIPES: Final = "recipes"
"""The account by which recipes reach variables."""
ACCOUNT: Final = "gitops"
"""The account that seeds and moves pointers. What it pushes deploys nothing: only merges and people's pushes do."""


def part(name: str) -> str:
    """The slug of a part's repository."""
    return f"{MAIN}/{name}"


def stage(name: str) -> str:
    """The slug of a container's stage fork."""
    return f"{STAGE}/{name}"


def task(name: str) -> str:
    """The slug of a task's repository."""
    return f"{TASKS}/{name}"


CONFIG: Final = part(ROOT)
"""The repository that holds the others as submodules."""
