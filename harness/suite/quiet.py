"""Takes the terminal output of pytest and pytest-xdist that the suite's own progress stands for."""

from __future__ import annotations

from collections.abc import Generator

import pytest

Shown = tuple[str, str, str | tuple[str, dict[str, bool]]]


class Quiet:
    """Keeps pytest's progress letters away, unless ``-v`` asks for them."""

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(self, config: pytest.Config) -> Generator[None, Shown, Shown]:
        """Counted as always, shown as nothing."""
        category, letter, word = yield
        return (category, letter, word) if config.option.verbose > 0 else (category, "", "")


def silence_xdist(config: pytest.Config) -> None:
    """Take xdist's status lines away; its session asks for its terminal before each of them."""
    distributed = config.pluginmanager.get_plugin("dsession")
    if distributed is None or config.option.verbose > 0:
        return
    distributed.terminal = None
    reporter = config.pluginmanager.get_plugin("terminaldistreporter")
    if reporter is not None:
        config.pluginmanager.unregister(reporter)
