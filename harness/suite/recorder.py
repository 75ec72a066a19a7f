"""Writes every item of a run into its journal, in the process that runs the item, and masks secrets in reports."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from harness.kit.errors import ExitCode, HarnessError
from harness.kit.secret import redact
from harness.lifecycle.journal import Journal, Outcome
from harness.suite import names, present, reports
from harness.suite.collect import EVIDENCE
from harness.suite.gate import HELD_BACK, Gate
from harness.suite.names import Stage
from harness.suite.run import Run

_TAIL = 60  # lines of output kept in the journal
_UNWRITTEN = pytest.StashKey[HarnessError]()
"""On an item whose start the journal could not take: why not."""


class Recorder:
    """One per process that runs items."""

    def __init__(self, run: Run, gate: Gate) -> None:
        self._run = run
        self._gate = gate
        self._journal: Journal = run.log
        self._gathering = reports.Gathering()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        """Journal the start. An ``end`` item does nothing and leaves no report."""
        container = self._taking_part(item.nodeid)
        if container is None:
            return None
        if names.stage_of(item.nodeid) is Stage.END:
            _only_tear_down(item, nextitem)
            return True
        try:
            self._journal.start(container, names.item_of(item.nodeid), self._revision(container))
        except HarnessError as error:
            item.stash[_UNWRITTEN] = error
        return None

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Nothing is done that the journal does not know of. After the gate, which skips what follows."""
        if _UNWRITTEN in item.stash:
            raise item.stash[_UNWRITTEN]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Give the report what journal and progress want to know; journal the end with the last one."""
        report = yield
        if self._taking_part(item.nodeid) is None or names.stage_of(item.nodeid) is Stage.END:
            return report
        if report.failed:
            self._gate.failed(item.nodeid)
            _shorten(report, call)
        setattr(report, reports.ATTRIBUTE, _evidence(item, call, report))
        result = self._gathering.add(report)
        if result:
            self._journal_end(result, report)
        return report

    def _journal_end(self, result: reports.Result, report: pytest.TestReport) -> None:
        """What the journal does not take has not passed: nobody would know of it later."""
        try:
            self._end(result)
        except HarnessError as error:
            if result.outcome is Outcome.PASSED:
                report.outcome, report.longrepr = "failed", present.error_text(error)
                self._gate.failed(result.nodeid)

    def _end(self, result: reports.Result) -> None:
        container = names.container_of(result.nodeid) or ""
        self._journal.end(
            container,
            names.item_of(result.nodeid),
            self._revision(container),
            result.outcome,
            seconds=result.seconds,
            evidence=result.evidence,
        )

    def _taking_part(self, nodeid: str) -> str | None:
        container = names.container_of(nodeid)
        return container if container and self._run.entry(container) else None

    def _revision(self, container: str) -> str:
        entry = self._run.entry(container)
        return entry.revision if entry else ""


def journal_crash(run: Run, worker: str, nodeid: str) -> None:
    """A worker died while running ``nodeid``: say so in its place."""
    container = names.container_of(nodeid)
    entry = run.entry(container) if container else None
    if container is None or entry is None:
        return
    Journal(run.log.path, worker=worker).end(
        container,
        names.item_of(nodeid),
        entry.revision,
        Outcome.FAILED,
        evidence={"error": f"the worker {worker} ended while running it", "crashed": True},
    )


def _only_tear_down(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Take down what the group's items left set up, reporting only what goes wrong.

    Not through pytest's teardown hook: its plugins expect that the item was set up.
    """
    state = item.session._setupstate
    call = pytest.CallInfo.from_call(lambda: state.teardown_exact(nextitem), "teardown")
    if call.excinfo is not None:
        report = pytest.TestReport.from_item_and_call(item, call)
        item.ihook.pytest_runtest_logreport(report=report)


def _shorten(report: pytest.TestReport, call: pytest.CallInfo[None]) -> None:
    """Errors meant for people lose their traceback; nothing that is shown holds a known secret."""
    if call.excinfo is not None and isinstance(call.excinfo.value, HarnessError):
        report.longrepr = present.error_text(call.excinfo.value)
        if call.excinfo.value.detail:
            report.sections.clear()  # what was printed on the way; the detail is the part that matters
    text = report.longreprtext
    if redact(text) != text:
        report.longrepr = redact(text)
    report.sections = [(name, redact(content)) for name, content in report.sections]


def _evidence(item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> dict[str, Any]:
    evidence: dict[str, Any] = {}
    found = item.stash.get(EVIDENCE, None)
    if found is not None and report.when == "call":
        evidence |= {"changed": list(found.changed), "facts": dict(found.facts), "log": _tail(found.log)}
    if item.stash.get(HELD_BACK, False):
        evidence["held_back"] = True
    if call.excinfo is not None and not report.passed:
        evidence |= _error(call.excinfo.value, report)
    return {key: value for key, value in evidence.items() if value not in ("", [], {})}


def _error(error: BaseException, report: pytest.TestReport) -> dict[str, Any]:
    if isinstance(error, HarnessError):
        return {
            "error": redact(error.message),
            "hint": redact(error.hint or ""),
            "log": _tail(error.detail or report.capstdout),
            "unreachable": error.exit_code is ExitCode.UNREACHABLE,
        }
    if report.skipped:
        return {"error": redact(str(getattr(error, "msg", error)))}
    first_line = redact(str(error)).strip().split("\n", 1)[0]
    return {"error": f"{type(error).__name__}: {first_line}", "log": _tail(report.longreprtext)}


def _tail(text: str) -> str:
    return redact("\n".join(text.rstrip().splitlines()[-_TAIL:]))
