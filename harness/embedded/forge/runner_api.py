"""The protocol between the forge and its own runner: JSON over HTTP below ``/api/runner/v1``.

``POST register`` ``{token, name, labels, untrusted}`` → 201 ``{id, token}``. ``token`` is a registration token (API:
``…/actions/runners/registration-token``); ``untrusted`` says that the runner takes jobs whose code nobody has accepted.
Everything else carries ``Authorization: Bearer <the runner's token>``:

``POST jobs/next?wait=SECONDS`` ``{running}`` → 200 with a job, or 204 after ``wait`` (at most 50 s). ``running``, which
may be left out, lists the ids of the jobs that the runner has: others that were given to it are offered again. A newer
question ends an older one. A job has ``id``, ``run_id``,
``run_number``, ``attempt``, ``name``, ``workflow``, ``trusted``, ``repository``, ``clone_url``, ``server_url``,
``sha``, ``ref``, ``event_name``, ``event`` (for ``GITHUB_EVENT_PATH``), ``token`` (valid while the job runs), ``masks``
(what must not be shown), ``env`` (for every step), ``timeout_minutes`` and ``steps``; expressions are filled in. A step
has ``number``, ``name``, ``run``, ``env``, ``working_directory``, ``shell``, ``timeout_minutes`` or null,
``continue_on_error``, and ``runs_after`` ``{success, failure, cancelled}``: whether it runs when the job so far went
so.

``POST jobs/ID/log`` ``{at, lines}`` → ``{lines, cancel}``: ``at`` is the number of the first line, so that sending
again does no harm; ``lines`` in the answer is how many the forge has; ``cancel`` true means stop.
``POST jobs/ID/heartbeat`` → ``{cancel}``: at least every 20 s while nothing is printed. A runner that is not heard for
60 s loses the job, which is marked as interrupted and offered again.
``POST jobs/ID/steps/NUMBER`` ``{status: running|completed, conclusion}`` → ``{cancel}``.
``POST jobs/ID/done`` ``{conclusion: success|failure|cancelled|skipped}`` → 204.
``POST jobs/ID/return`` ``{reason}`` → 204: interrupted, offer it again.
409 means that the job is not the runner's any more: drop it.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import anyio.to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from harness.embedded.forge.api.call import answer, empty
from harness.embedded.forge.errors import BadRequestError, ForgeError, UnauthorisedError, not_found
from harness.embedded.forge.forge import Forge
from harness.embedded.forge.services import job_logs, jobs
from harness.embedded.forge.store import actions
from harness.embedded.forge.store.records import Job, Runner
from harness.kit.clock import Deadline

PREFIX = "/api/runner/v1/"
_LONGEST_WAIT = 50.0
_MOST_BODY = 16 * 1024 * 1024
_JOB = re.compile(r"jobs/(\d+)/(log|heartbeat|done|return|steps/(\d+))")
Body = dict[str, Any]


class RunnerApi:
    """Answers runners."""

    def __init__(self, forge: Forge) -> None:
        self._forge = forge
        # Waiting runners hold a thread each; they get their own, so that they never keep requests waiting.
        self._limiter: anyio.CapacityLimiter | None = None
        self._turns: dict[int, int] = {}  # how often each runner has asked
        jobs.expect_runners(forge)

    async def __call__(self, request: Request) -> Response:
        try:
            body = await request.body()
        except ClientDisconnect:  # killed in the middle of a word
            return empty(400)
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(16)
        gone = threading.Event()
        work = partial(self._guarded, request, body, gone)
        async with anyio.create_task_group() as group:
            group.start_soon(self._watch, request, gone)
            response = await anyio.to_thread.run_sync(work, limiter=self._limiter)
            group.cancel_scope.cancel()
        return response

    async def _watch(self, request: Request, gone: threading.Event) -> None:
        """A runner that was killed while it waited must not be handed a job: nothing but its going comes now."""
        await request.receive()
        gone.set()
        self._forge.jobs.ring()

    def _guarded(self, request: Request, body: bytes, gone: threading.Event) -> Response:
        try:
            return self._answer(request, _read(body), gone)
        except ForgeError as refused:
            return answer({"message": refused.message}, refused.code)

    def _answer(self, request: Request, body: Body, gone: threading.Event) -> Response:
        path = request.url.path.removeprefix(PREFIX)
        if request.method != "POST":
            raise not_found()
        if path == "register":
            return self._register(body)
        runner = self._runner(request)
        if path == "jobs/next":
            if isinstance(body.get("running"), list):
                jobs.take_back(self._forge, runner, body["running"])
            return self._next(runner, _seconds(request.query_params.get("wait", "0")), gone)
        found = _JOB.fullmatch(path)
        if found is None:
            raise not_found()
        job = jobs.owned(self._forge, runner, int(found[1]))
        if found[3] is not None:
            return self._step(job, int(found[3]), body)
        actions_by_name: dict[str, Callable[[Job, Body], Response]] = {
            "log": self._log,
            "heartbeat": lambda one, _body: self._cancel(one),
            "done": self._done,
            "return": self._return,
        }
        return actions_by_name[found[2]](job, body)

    def _runner(self, request: Request) -> Runner:
        kind, _, secret = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer":
            raise UnauthorisedError("a runner's token is needed")
        return jobs.identify(self._forge, secret)

    def _register(self, body: Body) -> Response:
        labels = body.get("labels", [])
        if not isinstance(labels, list) or not body.get("name"):
            raise BadRequestError("a runner has a name and a list of labels")
        made, secret = jobs.register(
            self._forge,
            str(body.get("token", "")),
            str(body["name"]),
            [str(label) for label in labels],
            untrusted=bool(body.get("untrusted")),
        )
        return answer({"id": made.id, "token": secret}, 201)

    def _next(self, runner: Runner, wait: float, gone: threading.Event) -> Response:
        deadline = Deadline(wait)
        turn = self._turns[runner.id] = self._turns.get(runner.id, 0) + 1
        while True:
            seen = self._forge.jobs.count
            if gone.is_set() or self._turns[runner.id] != turn:  # nobody reads this answer
                return empty(204)
            found = jobs.take(self._forge, runner)
            if found:
                return answer(found)
            if deadline.passed or not self._forge.jobs.wait(seen, deadline.remaining):
                return empty(204)

    def _cancel(self, job: Job) -> Response:
        fresh = actions.job(self._forge.db, job.id)
        return answer({"cancel": bool(fresh and fresh.cancel)})

    def _log(self, job: Job, body: Body) -> Response:
        lines, at = body.get("lines", []), body.get("at", 0)
        if not isinstance(lines, list) or not isinstance(at, int):
            raise BadRequestError("'at' is a number and 'lines' a list")
        held = job_logs.append(self._forge, job, at, [str(line) for line in lines])
        return answer({"lines": held, "cancel": job.cancel})

    def _step(self, job: Job, number: int, body: Body) -> Response:
        jobs.report_step(self._forge, job, number, str(body.get("status", "")), body.get("conclusion"))
        return self._cancel(job)

    def _done(self, job: Job, body: Body) -> Response:
        jobs.finish(self._forge, job, str(body.get("conclusion", "")))
        return empty(204)

    def _return(self, job: Job, body: Body) -> Response:
        jobs.give_back(self._forge, job, str(body.get("reason") or "its runner was stopped"))
        return empty(204)


def _seconds(text: str) -> float:
    return min(float(text), _LONGEST_WAIT) if text.replace(".", "", 1).isdigit() else 0.0


def _read(body: bytes) -> Body:
    if len(body) > _MOST_BODY:
        raise BadRequestError("the body is too large")
    try:
        value = json.loads(body or b"{}")
    except ValueError as wrong:
        raise BadRequestError("the body is no JSON") from wrong
    if not isinstance(value, dict):
        raise BadRequestError("the body is no object")
    return value
