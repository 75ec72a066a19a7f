"""``check``: what a pull request would do, posted as one comment and as a commit status. Changes nothing."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from harness.forge.statuses import State
from harness.kit.errors import ConfigurationError, ExitCode, HarnessError, UsageError
from harness.lifecycle import plan_builder
from harness.lifecycle.observe import observe
from harness.lifecycle.plan import Plan
from harness.lifecycle.seeding.desk import remote_of
from harness.lifecycle.workspace import Workspace
from harness.pipeline import agreement, assemble, comment, door, proposed, scope, tell
from harness.pipeline.agreement import Agreement
from harness.pipeline.door import Office
from harness.pipeline.job import Job, Proposal
from harness.pipeline.proposed import Piece, Proposed
from harness.pipeline.scope import Scope
from harness.pipeline.tell import Commit
from harness.pve.client import Pve
from harness.repo.parts import STAGE_FILE
from harness.repo.scratch import Scratch

_PARTS: Final = ("config.env", "libs")


@dataclass(frozen=True, slots=True)
class Seat:
    """A pull request: where its plan is posted."""

    job: Job
    proposal: Proposal

    @property
    def commit(self) -> Commit:
        """What is proposed."""
        return Commit(self.job.repository, self.proposal.head_sha, self.job.page)

    @property
    def place(self) -> str:
        """Names the pull request in a seal."""
        return f"{self.job.repository}#{self.proposal.number}"


def check_pull(office: Office) -> int:
    """Check the pull request that the job is for. Exit code 0: there is a plan and nothing of it is refused.

    Raises ``UsageError`` outside of such a job.
    """
    job, _ = office.require()
    if job.proposal is None:
        job, proposal = _dispatched(office)
    else:
        proposal = job.proposal
    seat = Seat(job, proposal)
    _state(office, seat, "pending", "planning")
    folder = door.private_folder()
    try:
        return _check(office, seat, folder / "files", folder / "scratch.git")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _dispatched(office: Office) -> tuple[Job, Proposal]:
    """The release pull request of a job that was started by hand."""
    from harness.pipeline import requests  # noqa: PLC0415

    job, forge = office.require()
    return job, requests.open_proposal(forge, job.repository)


def _check(office: Office, seat: Seat, root: Path, scratch: Path) -> int:
    where = scope.of(seat.job.repository)
    try:
        lay_out(office, seat, root, scratch)
        if where.stage and not (root / where.place / STAGE_FILE).is_file():
            return _not_yet(office, seat, where)
        made, key = plan(office, root, where, seat.proposal.head_sha)
    except HarnessError as error:
        return _no_plan(office, seat, root, error)
    body = comment.plan(made, seat.proposal.head_sha)
    line = agreement.seal(Agreement.on(made, seat.proposal.head_sha), key, seat.place)
    office.voice.comment(seat.job.repository, seat.proposal.number, "plan", f"{line}\n{body}")
    _state(office, seat, "failure" if made.refused else "success", comment.status_of_plan(made))
    office.say(body)
    return ExitCode.FAILED if made.refused else ExitCode.OK


def _not_yet(office: Office, seat: Seat, where: Scope) -> int:
    """A stage fork as seeding makes it: nobody has said yet where its container is to be, so nothing is wrong."""
    office.voice.comment(seat.job.repository, seat.proposal.number, "plan", comment.no_stage(where.names[0]))
    _state(office, seat, "pending", comment.NO_STAGE)
    office.say(comment.NO_STAGE)
    return ExitCode.OK


def _no_plan(office: Office, seat: Seat, root: Path, error: HarnessError) -> int:
    """Say why in the pull request; only what is wrong with the proposal counts as its failure."""
    body = comment.problem(error, seat.proposal.head_sha, root)
    office.voice.comment(seat.job.repository, seat.proposal.number, "plan", body)
    state: State = "failure" if isinstance(error, ConfigurationError) else "error"
    _state(office, seat, state, comment.status_of(error, root))
    office.say(body)
    return error.exit_code or ExitCode.FAILED


def _state(office: Office, seat: Seat, state: State, line: str) -> None:
    office.voice.status(seat.commit, tell.PLAN, state, line)


def lay_out(office: Office, seat: Seat, root: Path, scratch: Path) -> None:
    """The tree as it would be with the proposal merged, at ``root``; raises ``ConfigurationError``."""
    _, forge = office.require()
    where = scope.of(seat.job.repository)
    root.mkdir(mode=0o700)
    newer = assemble.newer(office, seat.proposal.head_sha) if where.whole else {}
    writer = Proposed(root, Scratch.open(scratch), remote_of(forge), newer)
    if not where.whole:
        proposed.lay_beneath(root, office.root, without=where.place)
    writer.write(Piece(seat.job.repository, seat.proposal.head_sha, where.place))
    writer.finish()
    proposed.lend_identity(root, office.root)


def check_folder(office: Office, folder: Path) -> int:
    """Check a directory by hand: its plan goes to the terminal.

    Raises ``UsageError`` for one that holds no repository's files, whose plan would be that nothing changes.
    """
    if not any((folder / part).exists() for part in _PARTS):
        raise UsageError(
            f"{folder} has neither of {' and '.join(_PARTS)}", hint="name the root of a repository's files"
        )
    try:
        made, _ = plan(office, folder.resolve(), Scope((), ""), None)
    except HarnessError as error:
        office.say(comment.problem(error, folder.name, folder.resolve()))
        return error.exit_code or ExitCode.FAILED
    office.say(comment.plan(made, made.commit or folder.name))
    return ExitCode.FAILED if made.refused else ExitCode.OK


def plan(office: Office, root: Path, where: Scope, head: str | None) -> tuple[Plan, bytes]:
    """The plan for the files at ``root`` and the key that seals it; raises ``ConfigurationError``."""
    workspace = office.workspace(root, where.stage)
    pve = door.looking(workspace, office.environ, office.say)
    try:
        made = _planned(workspace, where, pve)
        key = workspace.share.revision_key()
    finally:
        pve.close()
        workspace.close()
    return (replace(made, commit=head[:12]) if head else made), key


def _planned(workspace: Workspace, where: Scope, pve: Pve) -> Plan:
    """What a replacement is allowed to do is what the plan asks people about, so here all are allowed."""
    chosen = chosen_names(workspace, where)
    observation = observe(pve, workspace.inventory)
    return plan_builder.build(
        workspace,
        chosen,
        allow_replace=workspace.inventory.names,
        observation=observation,
        control_plane=where.whole,
    )


def chosen_names(workspace: Workspace, where: Scope) -> tuple[str, ...]:
    """The containers of ``where`` as far as there are such; raises ``ConfigurationError`` when there is none."""
    names = where.names
    found = tuple(name for name in workspace.inventory.names if name in names or not names)
    if names and not found:
        raise proposed.missing(where)
    return found
