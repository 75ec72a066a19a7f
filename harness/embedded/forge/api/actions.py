"""Workflows, runs, jobs, logs, runners."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from harness.embedded.forge.api import binding, forms, needs
from harness.embedded.forge.api.call import Call, answer, empty, page_headers, plain
from harness.embedded.forge.api.routing import Routes
from harness.embedded.forge.errors import (
    BadRequestError,
    ForbiddenError,
    InternalError,
    MissingError,
    no_account,
    not_found,
)
from harness.embedded.forge.services import job_logs, jobs, run_states, runs, workflow_files
from harness.embedded.forge.shapes import actions as shapes
from harness.embedded.forge.store import accounts, actions
from harness.embedded.forge.store.records import Job, Run, Runner

routes = Routes()
_REPO = "/repos/{owner}/{repo}/actions"
_STATES = {  # the words that a query may have, by GitHub's description of this API, and ours
    **dict.fromkeys(("pending", "waiting", "requested", "action_required"), "blocked"),
    "queued": "waiting",
    "in_progress": "running",
    "completed": "completed",
    "success": "success",
    "failure": "failure",
    **dict.fromkeys(("cancelled", "timed_out"), "cancelled"),
    **dict.fromkeys(("skipped", "neutral"), "skipped"),
}


def _workflow(call: Call, source: workflow_files.Source) -> dict[str, Any]:
    off = workflow_files.is_off(call.forge, call.repository, source.name)
    times = workflow_files.times(call.forge, call.repository, source.path)
    return shapes.workflow(call.view, call.repository, source.path, "disabled_manually" if off else "active", times)


@routes.get(f"{_REPO}/workflows", needs.READ)
def workflows(call: Call) -> Response:
    """The workflow files of the default branch."""
    found = [_workflow(call, source) for source in workflow_files.of_default_branch(call.forge, call.repository)]
    return answer({"workflows": found, "total_count": len(found)})


@routes.get(f"{_REPO}/workflows/{{workflow}}", needs.READ)
def workflow(call: Call) -> Response:
    """One of them."""
    found = workflow_files.find(call.forge, call.repository, call.params["workflow"], "not found")
    return answer(_workflow(call, found))


@routes.put(f"{_REPO}/workflows/{{workflow}}/enable", needs.WRITE_ANY)
def enable(call: Call) -> Response:
    """Switch it on."""
    workflow_files.switch(call.forge, call.repository, call.params["workflow"], on=True)
    return empty()


@routes.put(f"{_REPO}/workflows/{{workflow}}/disable", needs.WRITE_ANY)
def disable(call: Call) -> Response:
    """Switch it off."""
    workflow_files.switch(call.forge, call.repository, call.params["workflow"], on=False)
    return empty()


@routes.post(f"{_REPO}/workflows/{{workflow}}/dispatches", needs.WRITE_ANY)
def dispatch(call: Call) -> Response:
    """Start it by hand."""
    details = binding.read(call, forms.DISPATCH)
    name, inputs = call.params["workflow"], details.get("inputs", {})
    run = runs.dispatch(call.forge, call.repository, call.user, name, details["ref"], inputs, call.base)
    if not call.flag("return_run_details", default=False):
        return empty()
    shape = shapes.run(call.view, call.repository, run)
    return answer({"workflow_run_id": run.id, "run_url": shape["url"], "html_url": shape["html_url"]})


# Runs


def _wanted_states(call: Call) -> set[str] | None:
    asked = call.query.get("status", [])
    for status in asked:
        if status not in _STATES:
            raise BadRequestError(f"Invalid status {status}")
    return {_STATES[status] for status in asked} or None


def _state(one: Run | Job) -> set[str]:
    return {one.status, one.conclusion or ""}


@routes.get(f"{_REPO}/runs", needs.READ)
def every_run(call: Call) -> Response:
    """The runs, newest first."""
    states = _wanted_states(call)
    _check_actor(call)
    found = [one for one in actions.runs(call.forge.db, call.repository.id) if _matches(call, one, states)]
    return _runs(call, found)


@routes.get(f"{_REPO}/workflows/{{workflow}}/runs", needs.READ)
def runs_of_workflow(call: Call) -> Response:
    """The runs of one file, which may be gone when it has some."""
    states, name = _wanted_states(call), call.params["workflow"]
    _check_actor(call)
    every = [one for one in actions.runs(call.forge.db, call.repository.id) if one.file == name]
    if not every:
        workflow_files.find(call.forge, call.repository, name, "not found")
    return _runs(call, [one for one in every if _matches(call, one, states)])


def _check_actor(call: Call) -> None:
    name = call.arg("actor")
    if name and accounts.by_name(call.forge.db, name) is None:
        raise InternalError(no_account(name))


def _runs(call: Call, found: list[Run]) -> Response:
    shown = [shapes.run(call.view, call.repository, one) for one in call.slice(found)]
    return _counted(call, "workflow_runs", shown, len(found))


def _counted(call: Call, name: str, shown: list[dict[str, Any]], total: int) -> Response:
    """A page of a list in the form that only actions have: under a name of its own, beside the total."""
    return answer({name: shown, "total_count": total}, 200, page_headers(call, total))


def _matches(call: Call, one: Run, states: set[str] | None) -> bool:
    actor = call.arg("actor")
    return (
        (states is None or bool(states & _state(one)))
        and call.arg("event") in {"", one.event}
        and call.arg("branch") in {"", shapes.branch_of(one.ref)}
        and call.arg("head_sha") in {"", one.sha}
        and (not actor or accounts.by_id(call.forge.db, one.actor_id).lower_name == actor.lower())
    )


def _run(call: Call) -> Run:
    found = actions.run(call.forge.db, call.number("run"))
    if found is None or found.repo_id != call.repository.id:
        raise not_found("resource does not exist")
    return found


@routes.get(f"{_REPO}/runs/{{run}}", needs.READ)
def run(call: Call) -> Response:
    """One run."""
    return answer(shapes.run(call.view, call.repository, _run(call)))


@routes.delete(f"{_REPO}/runs/{{run}}", needs.WRITE_ANY)
def delete_run(call: Call) -> Response:
    """Remove a run that has ended."""
    runs.delete(call.forge, _run(call))
    return empty()


@routes.post(f"{_REPO}/runs/{{run}}/rerun", needs.WRITE_ANY)
def rerun(call: Call) -> Response:
    """Run it again."""
    again = runs.rerun(call.forge, _run(call))
    return answer(shapes.run(call.view, call.repository, again), 201)


@routes.post(f"{_REPO}/runs/{{run}}/rerun-failed-jobs", needs.WRITE_ANY)
def rerun_failed(call: Call) -> Response:
    """Run again what failed, and what needs it."""
    runs.rerun_failed(call.forge, _run(call))
    return empty(201)


@routes.post(f"{_REPO}/runs/{{run}}/cancel", needs.WRITE_ANY)
def cancel(call: Call) -> Response:
    """Stop it."""
    run_states.cancel_run(call.forge, _run(call))
    return empty()


@routes.get(f"{_REPO}/runs/{{run}}/jobs", needs.READ)
def jobs_of_run(call: Call) -> Response:
    """The jobs of a run."""
    if call.number("run") <= 0:
        raise BadRequestError("runID must be a positive integer")
    found = actions.run(call.forge.db, call.number("run"))
    within = found is not None and found.repo_id == call.repository.id
    return _jobs(call, actions.jobs(call.forge.db, found.id) if found and within else [])


@routes.get(f"{_REPO}/runs/{{run}}/artifacts", needs.READ)
@routes.get(f"{_REPO}/artifacts", needs.READ)
def artifacts(_call: Call) -> Response:
    """There are none here."""
    return answer({"total_count": 0, "artifacts": []})


@routes.get(f"{_REPO}/jobs", needs.READ)
def every_job(call: Call) -> Response:
    """The jobs of all runs."""
    return _jobs(call, actions.jobs_of_repository(call.forge.db, call.repository.id))


def _jobs(call: Call, every: list[Job]) -> Response:
    states = _wanted_states(call)
    found = [one for one in every if states is None or states & _state(one)]
    shown = [_shape(call, one) for one in call.slice(found)]
    return _counted(call, "jobs", shown, len(found))


def _shape(call: Call, one: Job) -> dict[str, Any]:
    within = actions.run(call.forge.db, one.run_id)
    assert within is not None
    return shapes.job(call.view, call.repository, within, one)


def _job(call: Call) -> Job:
    found = actions.job(call.forge.db, call.number("job"))
    if found is None or found.repo_id != call.repository.id:
        raise not_found()
    return found


@routes.get(f"{_REPO}/jobs/{{job}}", needs.READ)
def job(call: Call) -> Response:
    """One job."""
    return answer(_shape(call, _job(call)))


@routes.post(f"{_REPO}/runs/{{run}}/jobs/{{job}}/rerun", needs.WRITE_ANY)
def rerun_job(call: Call) -> Response:
    """Run one job again, and those that need it."""
    again = _job(call)
    runs.rerun(call.forge, _run(call), again.id)
    return answer(_shape(call, _job(call)), 201)


@routes.get(f"{_REPO}/jobs/{{job}}/logs", needs.READ)
def logs(call: Call) -> Response:
    """What a job printed."""
    found = _job(call)
    within = actions.run(call.forge.db, found.run_id)
    if within is None or (found.started is None and not found.lines):
        raise not_found("job not started")
    name = f"{within.file.rsplit('.', 1)[0]}-{found.name}-{found.task_id or found.id}.log".replace('"', "_")
    lines = job_logs.read(call.forge, found.id)
    ascii_name = name.encode("ascii", "replace").decode()
    headers = {"content-disposition": f'attachment; filename="{ascii_name}"', "x-content-type-options": "nosniff"}
    return plain("".join(f"{line}\n" for line in lines), 200, headers)


@routes.get(f"{_REPO}/tasks", needs.READ)
def tasks(call: Call) -> Response:
    """The jobs that a runner has taken, newest first."""
    every = actions.jobs_of_repository(call.forge.db, call.repository.id)
    found = sorted((one for one in every if one.task_id), key=lambda one: one.task_id or 0, reverse=True)
    shown = []
    for one in call.slice(found):
        within = actions.run(call.forge.db, one.run_id)
        assert within is not None
        shown.append(shapes.task(call.view, call.repository, within, one))
    return _counted(call, "workflow_runs", shown, len(found))


# Runners

_PLACES = (
    ("/repos/{owner}/{repo}/actions/runners", needs.OWN),
    ("/orgs/{org}/actions/runners", needs.ORG_OWNER),
    ("/user/actions/runners", needs.ME),
    ("/admin/actions/runners", needs.ADMIN),
)


def _scope(call: Call) -> tuple[int, int]:
    if call.found_repository:
        return 0, call.found_repository.id
    if call.found_organisation:
        return call.found_organisation.id, 0
    return (0, 0) if "/admin/" in call.path else (call.user.id, 0)


def _runner_shape(call: Call, one: Runner) -> dict[str, Any]:
    sql = "SELECT 1 FROM job WHERE runner_id = ? AND status = 'running'"
    return shapes.runner(one, call.forge.db.value(sql, one.id) is not None)


def _in_scope(call: Call) -> list[Runner]:
    """The runners of exactly this scope; administrators have all."""
    if "/admin/" in call.path:
        return actions.all_runners(call.forge.db)
    return actions.runners(call.forge.db, *_scope(call))


def _runner(call: Call) -> Runner:
    for one in _in_scope(call):
        if one.id == call.number("id"):
            return one
    key = call.number("id")
    if actions.runner(call.forge.db, key):
        verb = "delete" if call.method == "DELETE" else "get"
        raise MissingError(f"No permission to {verb} this runner", errors=None)
    raise not_found(f"runner with id {key}: resource does not exist")


def every_runner(call: Call) -> Response:
    """The runners."""
    found = _in_scope(call)
    shown = [_runner_shape(call, one) for one in call.slice(found)]
    return answer({"runners": shown, "total_count": len(found)})


def registration_token(call: Call) -> Response:
    """With what a runner registers."""
    return answer({"token": jobs.registration_token(call.forge, *_scope(call))})


def runner(call: Call) -> Response:
    """One runner."""
    return answer(_runner_shape(call, _runner(call)))


def delete_runner(call: Call) -> Response:
    """Remove a runner that does nothing."""
    found = _runner(call)
    if _runner_shape(call, found)["busy"]:
        raise ForbiddenError("the runner has a job")
    call.forge.db.run("DELETE FROM runner WHERE id = ?", found.id)
    return empty()


for _path, _needs in _PLACES:
    routes.get(_path, _needs)(every_runner)
    routes.get(f"{_path}/registration-token", _needs)(registration_token)
    routes.post(f"{_path}/registration-token", _needs)(registration_token)
    routes.get(f"{_path}/{{id}}", _needs)(runner)
    routes.delete(f"{_path}/{{id}}", _needs)(delete_runner)
