"""A run's exit code: 1 when something failed, 3 when all that failed was out of reach, 130 after Ctrl-C."""

from __future__ import annotations

import pytest

from harness.kit import errors
from harness.suite import reports

_BY_PYTEST = {
    pytest.ExitCode.OK: errors.ExitCode.OK,
    pytest.ExitCode.TESTS_FAILED: errors.ExitCode.FAILED,
    pytest.ExitCode.INTERRUPTED: errors.ExitCode.INTERRUPTED,
    pytest.ExitCode.INTERNAL_ERROR: errors.ExitCode.FAILED,
    pytest.ExitCode.USAGE_ERROR: errors.ExitCode.USAGE,
    pytest.ExitCode.NO_TESTS_COLLECTED: errors.ExitCode.USAGE,
}


class ExitStatus:
    """Watches a session and sets its exit status, on the controller."""

    def __init__(self) -> None:
        self._failures = 0
        self._unreachable = 0
        self._interrupted = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count failures and those among them that come from a system that does not answer."""
        if report.failed:
            self._failures += 1
            self._unreachable += bool(getattr(report, reports.ATTRIBUTE, {}).get("unreachable"))

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Ctrl-C. What pytest and xdist raise to stop early (``-x``) is a kind of it, and is not meant."""
        self._interrupted = excinfo.type is KeyboardInterrupt

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int | pytest.ExitCode) -> None:
        """Put our meaning in place of pytest's."""
        session.exitstatus = int(self._code(pytest.ExitCode(exitstatus)))

    def _code(self, status: pytest.ExitCode) -> errors.ExitCode:
        if self._interrupted:
            return errors.ExitCode.INTERRUPTED
        if self._failures:
            all_out_of_reach = self._unreachable == self._failures
            return errors.ExitCode.UNREACHABLE if all_out_of_reach else errors.ExitCode.FAILED
        if status is pytest.ExitCode.INTERRUPTED:  # broken off without Ctrl-C: errors while collecting
            return errors.ExitCode.FAILED
        return _BY_PYTEST[status]
