"""The release pull request: what stands on ``main`` and not yet on ``release``, for a person to accept."""

from __future__ import annotations

from collections.abc import Mapping

from harness.forge import pulls
from harness.forge.errors import ForgeError
from harness.forge.model import Pull
from harness.lifecycle.seeding import names
from harness.lifecycle.seeding.desk import Desk


def ensure(desk: Desk, slug: str, heads: Mapping[str, str], body: str) -> Pull | None:
    """The open pull request ``main`` → ``release``; None when nothing waits to be released.

    ``heads`` are the repository's branches, whose commits are at the desk.
    """
    trunk, release = heads[names.TRUNK], heads.get(names.RELEASE, desk.beginning)
    if desk.scratch.tree_of(trunk) == desk.scratch.tree_of(release):
        return None
    try:
        found, _ = pulls.ensure(
            desk.forge, slug, base=names.RELEASE, head=names.TRUNK, title=names.RELEASE_TITLE, body=body
        )
    except ForgeError as error:
        if error.status != 422:  # merged between our look and now
            raise
        return None
    return found


CONFIG_BODY = (
    "Accepting this deploys the infrastructure as it stands on `main`: containers are created and configured in the"
    " order in which they need each other, and verified.\n\nThe plan is posted below."
)


def container_body(name: str) -> str:
    """What accepting a container's own pull request does."""
    return f"Accepting this deploys the container `{name}` as it stands on `main`.\n\nThe plan is posted below."


def stage_body(name: str, *, ready: bool) -> str:
    """What accepting the pull request of a stage fork does."""
    text = f"Accepting this deploys `stage-{name}` from `config.stage.env`, beside the container `{name}`."
    missing = "\n\nThere is no `config.stage.env` yet: it must name an `ID` and an `IP` of the stage's own."
    return text if ready else text + missing
