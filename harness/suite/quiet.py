"""Takes the terminal output of pytest and pytest-xdist that the suite's own progress and summary stand for."""

from __future__ import annotations

from collections.abc import Generator

import pytest

Shown = tuple[str, str, str | tuple[str, dict[str, bool]]]
_DEFAULT_SUMMARY = "fE"  # what pytest lists at the end when no -r is given


class Quiet:
    """Keeps pytest's progress letters away, unless ``-v`` asks for them."""

    def __init__(self) -> None:
        self._over = False

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(self, config: pytest.Config) -> Generator[None, Shown, Shown]:
        """Counted as always, shown as nothing while the run goes on."""
        category, letter, word = yield
        return (category, letter, word) if self._over or config.option.verbose > 0 else (category, "", "")

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """From here on pytest sums up. Which worker a failure was on says nothing to its reader."""
        self._over = True
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is None:
            return
        for report in (*reporter.stats.get("failed", ()), *reporter.stats.get("error", ())):
            vars(report).pop("node", None)


def set_options(config: pytest.Config) -> None:
    """Less of pytest's own words, where the command line does not ask for more."""
    option = config.option
    if option.verbose == 0:
        option.verbose = -1
    if option.tbstyle == "auto":
        option.tbstyle = "short"
    if option.reportchars == _DEFAULT_SUMMARY:
        option.reportchars = ""


def silence_xdist(config: pytest.Config) -> None:
    """Take xdist's status lines away; its session asks for its terminal before each of them."""
    distributed = config.pluginmanager.get_plugin("dsession")
    if distributed is None or config.option.verbose > 0:
        return
    distributed.terminal = None
    reporter = config.pluginmanager.get_plugin("terminaldistreporter")
    if reporter is not None:
        config.pluginmanager.unregister(reporter)
