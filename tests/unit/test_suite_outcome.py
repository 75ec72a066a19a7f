"""Exit codes of a run."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.kit.errors import ExitCode
from harness.suite.outcome import ExitStatus


def report(*, failed: bool, unreachable: bool = False) -> Any:
    return SimpleNamespace(failed=failed, gitops={"unreachable": unreachable})


def code(status: pytest.ExitCode, *reports: Any, interrupt: type[BaseException] | None = None) -> int:
    watcher = ExitStatus()
    for one in reports:
        watcher.pytest_runtest_logreport(one)
    if interrupt:
        with pytest.raises(interrupt) as raised:
            raise interrupt
        watcher.pytest_keyboard_interrupt(raised)
    session = SimpleNamespace(exitstatus=None)
    watcher.pytest_sessionfinish(cast("Any", session), status)
    return cast("int", session.exitstatus)


UNREACHABLE = report(failed=True, unreachable=True)
FAILED = report(failed=True)
PASSED = report(failed=False)


class StoppedEarly(KeyboardInterrupt):
    """As pytest and xdist derive theirs."""


@pytest.mark.parametrize(
    ("status", "reports", "wanted"),
    [
        (pytest.ExitCode.OK, [PASSED], ExitCode.OK),
        (pytest.ExitCode.TESTS_FAILED, [PASSED, FAILED], ExitCode.FAILED),
        (pytest.ExitCode.TESTS_FAILED, [UNREACHABLE, PASSED], ExitCode.UNREACHABLE),
        (pytest.ExitCode.TESTS_FAILED, [UNREACHABLE, FAILED], ExitCode.FAILED),
        (pytest.ExitCode.TESTS_FAILED, [], ExitCode.FAILED),
        (pytest.ExitCode.NO_TESTS_COLLECTED, [], ExitCode.USAGE),
        (pytest.ExitCode.INTERNAL_ERROR, [], ExitCode.FAILED),
    ],
)
def test_pytests_codes_get_our_meaning(status: pytest.ExitCode, reports: list[Any], wanted: ExitCode) -> None:
    assert code(status, *reports) == wanted


def test_an_interrupt_is_an_interrupt_whatever_failed_before() -> None:
    assert code(pytest.ExitCode.INTERRUPTED, FAILED, interrupt=KeyboardInterrupt) == ExitCode.INTERRUPTED


def test_stopping_at_the_first_failure_is_no_interrupt() -> None:
    assert code(pytest.ExitCode.INTERRUPTED, FAILED, interrupt=StoppedEarly) == ExitCode.FAILED
