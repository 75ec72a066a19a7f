"""Tasks: list, status, log, stop."""

# ruff: noqa: ARG001 - every handler takes the call

from __future__ import annotations

from typing import Any

from harness.embedded.node import tasks, upid
from harness.embedded.node.errors import bad_parameters
from harness.embedded.node.grammar.formats import split_list
from harness.embedded.node.routing import Call, Result, Text, route

_STOP_SECONDS = 5.0
_FILTERS = ("userfilter", "typefilter", "vmid", "since", "until", "errors")


@route("GET", "/nodes/{node}/tasks")
def list_tasks(call: Call) -> Result:
    """Finished tasks, newest first; running ones with ``source=active`` or ``all``."""
    source = call.get("source") or "archive"
    known = call.node.tasks
    found = [] if source == "archive" else known.running()
    if source != "active":
        found = found + known.ended()
    wanted: dict[str, Any] = {name: call.get(name) for name in _FILTERS if call.get(name) is not None}
    if "errors" in wanted:
        wanted["errors"] = call.flag("errors")
    if call.get("statusfilter"):
        wanted["statusfilter"] = split_list(call.need("statusfilter"))
    if not _audits(call):
        wanted["user"] = call.user
    matched = tasks.matching(found, wanted)
    start, limit = call.number("start", 0), call.number("limit", 50)
    return Result(matched[start : start + limit], {"total": len(matched)})


def _audits(call: Call) -> bool:
    return call.may(f"/nodes/{call.node.name}", "Sys.Audit")


@route("GET", "/cluster/tasks")
def recent_tasks(call: Call) -> list[dict[str, Any]]:
    """The newest tasks, running ones first."""
    shown = ("upid", "node", "starttime", "endtime", "type", "id", "user", "tokenid", "status")
    wanted = {} if _audits(call) else {"user": call.user}
    found = tasks.matching(call.node.tasks.running() + call.node.tasks.ended(), wanted)[:25]
    kept = [{key: task[key] for key in shown if key in task} for task in found]
    return [{**task, "saved": 1} if "endtime" in task else task for task in kept]


@route("GET", "/nodes/{node}/tasks/{upid}")
def task_index(call: Call) -> list[dict[str, str]]:
    """What there is of a task."""
    return [{"name": "log"}, {"name": "status"}]


def _need(call: Call) -> upid.Upid:
    parsed = upid.parse(call.need("upid"))
    if parsed is None:
        raise bad_parameters(upid="unable to parse worker upid")
    return parsed


def _check_owner(call: Call, task: upid.Upid, privilege: str) -> None:
    if task.user != call.user:
        call.permissions.require(call.user, f"/nodes/{call.node.name}", [privilege])


@route("GET", "/nodes/{node}/tasks/{upid}/status")
def task_status(call: Call) -> dict[str, Any]:
    """Whether the task runs, or how it ended."""
    task = _need(call)
    if not call.node.tasks.known(str(task)):
        raise bad_parameters(upid="no such task")
    _check_owner(call, task, "Sys.Audit")
    return call.node.tasks.status(str(task))


@route("GET", "/nodes/{node}/tasks/{upid}/log")
def task_log(call: Call) -> Result | Text:
    """Lines of the log, numbered from 1; ``limit=0`` gives all."""
    task = _need(call)
    _check_owner(call, task, "Sys.Audit")
    if call.flag("download"):
        return Text("".join(f"{line}\n" for _, line in call.node.tasks.log(str(task), 0, None)[0]))
    start, limit = call.number("start", 0), call.number("limit", 50)
    lines, total = call.node.tasks.log(str(task), start, limit or None)
    if not total:
        missing = (
            "no content" if call.node.tasks.known(str(task)) else "unable to open file - No such file or directory"
        )
        lines, total = [(1, missing)], 1
    return Result([{"n": number, "t": text} for number, text in lines], {"total": total})


@route("DELETE", "/nodes/{node}/tasks/{upid}")
def stop_task(call: Call) -> None:
    """Interrupt a running task."""
    task = _need(call)
    if not call.node.tasks.known(str(task)):
        raise bad_parameters(upid="no such task")
    _check_owner(call, task, "Sys.Modify")
    call.node.tasks.interrupt(str(task))
    call.node.tasks.wait(str(task), _STOP_SECONDS)
