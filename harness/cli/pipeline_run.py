"""What the commands of pipelines share: opening the office, carrying a plan out by the suite."""

from __future__ import annotations

from collections.abc import Callable

from harness.cli import console, planning, session, suite_run
from harness.lifecycle.plan import Plan
from harness.lifecycle.workspace import Workspace
from harness.pipeline import door
from harness.pipeline.door import Office
from harness.pipeline.releasing import Ended


def in_office(work: Callable[[Office], int]) -> int:
    """Do it, then see to it that the forge has heard everything; the exit code."""
    office = door.open_office(session.checkout(), session.environment(), console.say)
    try:
        return int(work(office))
    finally:
        office.close()


def carry_out(workspace: Workspace, plan: Plan) -> Ended:
    """Run the suite for ``plan``; its words are the job's log."""
    planning.show(plan)
    run_dir = planning.new_run(workspace, plan)
    stage = next((container.stage for container in workspace.inventory.containers if container.stage), None)
    argv = suite_run.arguments("deploy", run_dir, [], len(plan.pending))
    environ = session.for_child(workspace.root, session.environment())
    return Ended(suite_run.run([*argv, *_staged(stage)], workspace.root, environ), run_dir)


def _staged(stage: str | None) -> list[str]:
    return [f"--gitops-stage={stage}"] if stage else []
