"""Puts the suite's parts into a pytest session: some everywhere, some where items run, some on the controller."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any, cast

import pytest
from rich.console import Console

from harness.suite import names
from harness.suite.collect import ConfigFile
from harness.suite.gate import Gate
from harness.suite.order import Selection
from harness.suite.outcome import ExitStatus
from harness.suite.progress import Progress, terminal_stream
from harness.suite.recorder import Recorder, journal_crash
from harness.suite.run import Run
from harness.suite.scheduler import ContainerScheduling
from harness.suite.session import Session
from harness.suite.stages_api import Stages
from harness.suite.summary import Summary
from harness.verify import fixtures

_WIDTH = 120  # where no terminal says how wide it is


def set_options(config: pytest.Config, run: Run) -> None:
    """Settings of pytest that a run has unless the command line says otherwise, and the suite itself."""
    option = config.option
    option.continue_on_collection_errors = True  # a broken spec file is one container's failure, not everybody's
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args = [str(run.root / names.LIBRARIES)]
    if option.verbose == 0:
        option.verbose = -1
    if option.tbstyle == "auto":
        option.tbstyle = "short"
    if not getattr(option, "xmlpath", None):
        option.xmlpath = str(run.directory / "junit.xml")
    config.pluginmanager.register(Wiring(config, run), "gitops-wiring")


class Wiring:
    """Registers the parts when pytest's own plugins are there, so that ours come outside of theirs."""

    def __init__(self, config: pytest.Config, run: Run) -> None:
        self._run = run
        self._session = Session(run, config)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Everywhere: selection, gate, journal. On the controller: progress, summary, exit code.

        Not when pytest is configured: what is registered later lies outside of what was there, as *selection* must
        lie outside of ``--lf``.
        """
        config = session.config
        config.pluginmanager.register(fixtures, "gitops-fixtures")
        config.stash[fixtures.WORKSPACE] = lambda: cast("fixtures.Workspace", self._session.workspace)
        selection = Selection(self._run, [str(argument) for argument in config.invocation_params.args])
        gate = Gate(self._session, selection)
        self._register(config, selection, gate, Recorder(self._run, gate))
        if not hasattr(config, "workerinput"):
            _silence_xdist(config)
            self._register(config, ExitStatus(), *_for_people(self._run, config))

    def _register(self, config: pytest.Config, *plugins: object) -> None:
        for plugin in plugins:
            config.pluginmanager.register(plugin, f"gitops-{type(plugin).__name__.lower()}")

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        """A ``config.env`` of a container that the plan has stages for is a test file."""
        if file_path.name != names.CONFIG_FILE or file_path.parent.parent != self._run.root / names.LIBRARIES:
            return None
        if not self._run.stages(file_path.parent.name):
            return None
        file: ConfigFile = ConfigFile.from_parent(parent, path=file_path)
        return file

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Nothing but what belongs to the containers of this run."""
        if not collection_path.is_relative_to(self._run.root):
            return True
        parts = collection_path.relative_to(self._run.root).parts
        if not parts:
            return None
        if parts[0] != names.LIBRARIES:
            return True
        return True if len(parts) > 1 and self._run.entry(parts[1]) is None else None

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> ContainerScheduling:
        """One group a container."""
        run = self._run
        return ContainerScheduling(config, log, run.needs, lambda worker, nodeid: journal_crash(run, worker, nodeid))

    @pytest.hookimpl(trylast=True)
    def pytest_gitops_stages(self, run: Run) -> Stages:
        """The real ones."""
        from harness.suite import real

        return real.open_stages(run)

    @pytest.hookimpl(trylast=True)
    def pytest_gitops_workspace(self, run: Run) -> object:
        """The real one."""
        from harness.suite import real

        return real.open_workspace(run)

    def pytest_unconfigure(self) -> None:
        """Give back connections."""
        self._session.close()


def _for_people(run: Run, config: pytest.Config) -> Iterable[object]:
    """Progress and summary in place of pytest's dots and xdist's status lines."""
    stream = terminal_stream()
    config.add_cleanup(stream.close)
    progress = Progress(run, Console(file=stream, width=None if stream.isatty() else _WIDTH))
    return progress, Summary(run, progress), _Quiet()


class _Quiet:
    """Keeps pytest's progress letters away, unless ``-v`` asks for them."""

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(self, config: pytest.Config) -> Generator[None, Any, Any]:
        """Counted as always, shown as nothing."""
        category, letter, word = yield
        return (category, letter, word) if config.option.verbose > 0 else (category, "", "")


def _silence_xdist(config: pytest.Config) -> None:
    """Take xdist's status lines away; its session asks for its terminal before each of them."""
    distributed = config.pluginmanager.get_plugin("dsession")
    if distributed is None or config.option.verbose > 0:
        return
    distributed.terminal = None
    reporter = config.pluginmanager.get_plugin("terminaldistreporter")
    if reporter is not None:
        config.pluginmanager.unregister(reporter)
