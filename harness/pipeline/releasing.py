"""``release`` and ``configure``: what was accepted is carried out, and no more than that."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from harness.forge.model import Pull
from harness.forge.statuses import State
from harness.kit.errors import ExitCode, HarnessError
from harness.lifecycle import journal, plan_builder, plan_file
from harness.lifecycle.plan import Action, ContainerPlan, Plan
from harness.lifecycle.report import story
from harness.lifecycle.report.story import RunStory
from harness.lifecycle.workspace import Workspace
from harness.pipeline import agreement, assemble, checking, comment, locks, publish, requests, scope, tell
from harness.pipeline.agreement import NOTHING, Agreement
from harness.pipeline.door import Office
from harness.pipeline.publish import News
from harness.pipeline.scope import Scope
from harness.pipeline.tell import Commit
from harness.pve.client import Pve

CONFIRM: Final = "confirm"
"""The workflow's input with the digest of a plan that a person has read."""
_GENTLE: Final = frozenset({Action.CONVERGE, Action.VERIFY, Action.CHANGE})
"""What leaves a container that is there running."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A deploy that has ended: its exit code and the directory of its run."""

    code: int
    run: Path


CarryOut = Callable[[Workspace, Plan], Ended]
"""Runs the suite for a plan to its end."""


@dataclass(frozen=True, slots=True)
class Release:
    """One job's work. ``commit`` is what it is about; ``pull`` the pull request that brought it, where there is one."""

    office: Office
    where: Scope
    commit: Commit
    context: str
    carry_out: CarryOut

    def state(self, state: State, line: str, page: str = "") -> None:
        """Say how it stands; ``page`` has more to read than that of the job."""
        commit = replace(self.commit, page=page) if page else self.commit
        self.office.voice.status(commit, self.context, state, line)


def release(office: Office, carry_out: CarryOut, greeted: Pve | None = None) -> int:
    """Deploy the commit that ``release`` holds. Exit code 0: done and verified; 10: it waits for a person.

    ``greeted``: a way to the target that is open already.
    """
    return _work(office, carry_out, tell.DEPLOY, lambda task: _open(task, _release, greeted))


def configure(office: Office, carry_out: CarryOut) -> int:
    """Configure what stands already, from the commit that was pushed; creates, restarts and replaces nothing."""
    return _work(office, carry_out, tell.CONFIGURE, lambda task: _open(task, _configure, None))


def _work(office: Office, carry_out: CarryOut, context: str, work: Callable[[Release], int]) -> int:
    job, _ = office.require()
    commit = Commit(job.repository, job.sha, job.page)
    task = Release(office, scope.of(job.repository), commit, context, carry_out)
    try:
        for note in assemble.assemble(office, task.where):
            office.say(note)
        return work(task)
    except HarnessError as error:
        task.state("failure", comment.status_of(error, office.root))
        raise


def _open(task: Release, work: Callable[[Release, Workspace], int], greeted: Pve | None) -> int:
    workspace = task.office.workspace(stage=task.where.stage, greeted=greeted)
    try:
        chosen = checking.chosen_names(workspace, task.where)
        with locks.held(workspace.share, (workspace.inventory[name].vmid for name in chosen)):
            return work(task, workspace)
    finally:
        workspace.close()


def _release(task: Release, workspace: Workspace) -> int:
    chosen = checking.chosen_names(workspace, task.where)
    made = _plan(task, workspace, chosen)
    job, forge = task.office.require()
    pull = requests.accepted(forge, job.repository, job.sha)
    newer = requests.superseded_by(forge, job.repository, job.sha)
    if newer is not None:
        task.state("success", f"superseded: {newer[:12]} has been released since")
        return ExitCode.OK
    agreed = _agreed(task, workspace, pull, made)
    more = agreement.exceeding(made, agreed)
    if more:
        return _wait(task, made, more, pull)
    again = comment.planned_again(made, job.sha) if agreement.went_stale(made, agreed) else ""
    return _deploy(task, workspace, made, pull, again)


def _plan(task: Release, workspace: Workspace, chosen: Iterable[str]) -> Plan:
    """With every replacement in it: what of it may be done is a question of what was agreed to."""
    names = workspace.inventory.names
    return plan_builder.build(workspace, chosen, allow_replace=names, control_plane=task.where.whole)


def _agreed(task: Release, workspace: Workspace, pull: Pull | None, made: Plan) -> Agreement:
    """What may be done: the plan that a person confirmed by its digest, else what was posted before the merge."""
    job, forge = task.office.require()
    if job.inputs.get(CONFIRM, "").strip() == agreement.digest(made):
        return Agreement.on(made)
    if pull is None:
        return NOTHING
    return requests.agreed(forge, job.repository, pull, workspace.share.revision_key())


def _wait(task: Release, made: Plan, more: tuple[ContainerPlan, ...], pull: Pull | None) -> int:
    digest = agreement.digest(made)
    body = comment.waiting(made, more, digest, task.commit.sha)
    names = ", ".join(f"{entry.name} ({agreement.level(entry).word})" for entry in more)
    _tell(task, pull, body)
    task.state("pending", f"waits to be started by hand with confirm={digest}: {names}")
    return ExitCode.CHANGES


def _deploy(task: Release, workspace: Workspace, made: Plan, pull: Pull | None, again: str = "") -> int:
    """``again``: what is posted besides, where it is not the plan that was accepted."""
    if not made.pending:
        return _nothing(task, made, pull)
    if again:
        _tell(task, pull, again)
    task.state("pending", "deploying")
    ended = task.carry_out(workspace, made)
    told = read_story(ended.run)
    report = publish.report(task.office, ended.run)
    body = comment.result(told, task.commit.sha, report or task.commit.page)
    _tell(task, pull, "\n\n".join(filter(None, (body, again))))
    code = ended.code or (ExitCode.FAILED if made.refused else ExitCode.OK)
    task.state("success" if code == ExitCode.OK else "failure", comment.status_of_result(told), report)
    publish.containers(task.office, workspace, News(told, task.commit.page, report))
    return code


def _nothing(task: Release, made: Plan, pull: Pull | None) -> int:
    _tell(task, pull, comment.plan(made, task.commit.sha))
    if made.refused:
        task.state("failure", f"refused: {', '.join(entry.name for entry in made.refused)}")
        return ExitCode.FAILED
    task.state("success", "nothing to do: everything is as the repository says")
    return ExitCode.OK


def _tell(task: Release, pull: Pull | None, body: str) -> None:
    """In the pull request's comment about the deploy, and in the job's log."""
    if pull is not None:
        task.office.voice.comment(task.commit.slug, pull.number, "deploy", body)
    task.office.say(body)


def read_story(run: Path) -> RunStory:
    """What happened in a run."""
    return story.tell(run.name, plan_file.read(run / "plan.json"), journal.read(run / journal.FILE_NAME))


def _configure(task: Release, workspace: Workspace) -> int:
    wanted = scope.configured_by(task.where)
    chosen = [name for name in workspace.inventory.names if name in wanted]
    if not chosen:
        task.state("success", "nothing to configure")
        return ExitCode.OK
    made = _plan(task, workspace, chosen)
    gentle = replace(made, containers=tuple(entry for entry in made.containers if entry.action in _GENTLE))
    if gentle.pending:
        return _deploy(task, workspace, gentle, None)
    left = [entry for entry in made.containers if entry.action is not Action.UNCHANGED]
    line = ", ".join(f"{entry.name}: {entry.action.value} is left to a release" for entry in left)
    task.state("success", line or "nothing to do: everything is as the repository says")
    return ExitCode.OK
