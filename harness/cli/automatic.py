"""``AUTO_DEPLOY``: ``local`` accepts the monorepo's release, then has the control plane on Proxmox VE accept what waits
there, by its own task.

It holds for the one run that it is told to: nothing of it is kept in a forge, so that a later merge by hand stays one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from typing import Final, Protocol

from harness.cli import acceptance, console
from harness.cli.acceptance import AcceptanceError
from harness.controlplane import deployment
from harness.controlplane.account import forge_account
from harness.forge import actions
from harness.forge.client import Address, Forge, Login
from harness.forge.model import Pull, Run
from harness.inventory.model import CONTROL_PLANE
from harness.kit.errors import UsageError
from harness.lifecycle.seeding import names
from harness.lifecycle.workspace import Workspace
from harness.pipeline import follow, merging, requests

VARIABLE: Final = "AUTO_DEPLOY"
TASK: Final = names.task("deploy")
_WORKFLOW: Final = "deploy.yml"
_ANSWERS: Final = {"": None, "true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def wish(environ: Mapping[str, str]) -> bool | None:
    """What the environment says; None when it says nothing. Raises ``UsageError`` for a value that means neither."""
    told = environ.get(VARIABLE, "").strip().lower()
    if told not in _ANSWERS:
        raise UsageError(f"{VARIABLE} is {told}", hint="true accepts the release pull requests, false leaves them open")
    return _ANSWERS[told]


class Desk(Protocol):
    """What is done at the forge on Proxmox VE."""

    def waiting(self) -> list[Pull]:
        """Release pull requests that nobody has accepted yet."""

    def accept(self, on_line: Callable[[str], None]) -> Run:
        """Let the task there accept them and hand on its log; its run as it ended."""

    def close(self) -> None:
        """Let go of the forge."""


@dataclass(frozen=True, slots=True)
class ForgeDesk:
    """The desk at a forge that answers."""

    forge: Forge

    def waiting(self) -> list[Pull]:
        """See ``Desk``."""
        return [pull for slug in merging.ordered(self.forge, None) for pull in requests.waiting(self.forge, slug)]

    def accept(self, on_line: Callable[[str], None]) -> Run:
        """See ``Desk``."""
        before = follow.newest(self.forge, TASK, _WORKFLOW)
        actions.dispatch(self.forge, TASK, _WORKFLOW, names.TRUNK)
        run = follow.started(self.forge, TASK, _WORKFLOW, after=before)
        return follow.follow(self.forge, TASK, run, on_line)

    def close(self) -> None:
        """See ``Desk``."""
        self.forge.close()


OpenDesk = Callable[[Workspace], AbstractContextManager[Desk]]


def inside(workspace: Workspace) -> AbstractContextManager[Desk]:
    """The desk of the administrator in the container ``config``."""
    url = deployment.url(workspace.inventory[CONTROL_PLANE])
    login = Login(forge_account(workspace.login), password=workspace.password)
    return closing(ForgeDesk(Forge(Address(url, deployment.authority(workspace.share).found()), login)))


def accept_inside(workspace: Workspace, desk: OpenDesk = inside) -> None:
    """Have everything accepted that waits in the control plane on Proxmox VE, which stands and is verified.

    Nothing is deployed anew by that: what stands as released already is found so there. Raises ``AcceptanceError``
    when something stays open, ``UnreachableError`` when that control plane does not answer.
    """
    with desk(workspace) as forge:
        waiting = forge.waiting()
        if not waiting:
            return
        console.say(f"accepting inside: {', '.join(pull.page for pull in waiting)}")
        ended = forge.accept(lambda line: console.say(acceptance.without_moment(line)))
    if ended.conclusion != "success":
        raise AcceptanceError(f"not all of it was accepted inside: {ended.conclusion}", hint=f"its log: {ended.page}")
