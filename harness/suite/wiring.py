"""Puts the suite's parts into a pytest session: some everywhere, some where items run, some on the controller."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pytest

from harness.inventory.model import CONTROL_PLANE
from harness.kit.clock import SystemClock
from harness.kit.errors import HarnessError
from harness.lifecycle import plan_file
from harness.suite import names, plugin, quiet
from harness.suite.collect import ConfigFile
from harness.suite.gate import Gate
from harness.suite.order import Selection
from harness.suite.outcome import ExitStatus
from harness.suite.progress import Progress, console
from harness.suite.recorder import Recorder, journal_crash
from harness.suite.run import PLAN_FILE, Mode, Run
from harness.suite.scheduler import ContainerScheduling
from harness.suite.session import Session
from harness.suite.summary import Summary
from harness.verify import fixtures

_SINCE = "gitops_since"


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Read the plan and put the suite in place."""
    run = _open(config)
    _set_options(config, run)
    quiet.set_options(config)
    config.pluginmanager.register(Wiring(config, run), "gitops-wiring")


def _open(config: pytest.Config) -> Run:
    directory: Path | None = config.getoption(plugin.DIRECTORY)
    if directory is None:
        raise pytest.UsageError(f"{plugin.MODE} needs {plugin.DIRECTORY}")
    try:
        plan = plan_file.read(directory / PLAN_FILE)
    except HarnessError as error:
        raise pytest.UsageError(f"no plan: {error}") from error
    mode = Mode(config.getoption(plugin.MODE))
    told = getattr(config, "workerinput", {})
    since = datetime.fromisoformat(told[_SINCE]) if _SINCE in told else SystemClock().now()
    stage: str | None = config.getoption(plugin.STAGE)
    return Run(mode, config.rootpath, directory.resolve(), plan, told.get("workerid", "main"), since, stage)


def _set_options(config: pytest.Config, run: Run) -> None:
    """Settings of pytest that a run has unless the command line says otherwise."""
    option = config.option
    option.continue_on_collection_errors = True  # a broken spec file is one container's failure, not everybody's
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args = [str(run.root / names.LIBRARIES)]
    if run.entry(CONTROL_PLANE) is not None:
        config.args += [str(run.root / part) for part in _control_plane(run)]
    if not getattr(option, "xmlpath", None):
        option.xmlpath = str(run.directory / "junit.xml")


def _control_plane(run: Run) -> Iterator[str]:
    """Where the control plane's items come from, beside ``libs``."""
    if run.stages(CONTROL_PLANE):
        yield names.config_of(CONTROL_PLANE)
    specs = f"{names.folder_of(CONTROL_PLANE)}/{names.SPECS}"
    if (run.root / specs).is_dir():
        yield specs


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
        config.stash[fixtures.WORKSPACE] = self._workspace
        selection = Selection(self._run, [str(argument) for argument in config.invocation_params.args])
        gate = Gate(self._session, selection)
        self._register(config, selection, gate, Recorder(self._run, gate))
        if not hasattr(config, "workerinput"):
            quiet.silence_xdist(config)
            progress = Progress(self._run, console(config))
            self._register(config, ExitStatus(), progress, Summary(self._run, progress), quiet.Quiet())

    def _register(self, config: pytest.Config, *plugins: object) -> None:
        for part in plugins:
            config.pluginmanager.register(part, f"gitops-{type(part).__name__.lower()}")

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        """A ``config.env`` of a container that the plan has stages for is a test file."""
        if file_path.name != names.CONFIG_FILE or not file_path.is_relative_to(self._run.root):
            return None
        relative = file_path.relative_to(self._run.root).as_posix()
        container = names.container_of(relative)
        if container is None or relative != names.config_of(container) or not self._run.stages(container):
            return None
        file: ConfigFile = ConfigFile.from_parent(parent, path=file_path)
        return file

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Nothing but what belongs to the containers of this run."""
        if not collection_path.is_relative_to(self._run.root):
            return True
        path = collection_path.relative_to(self._run.root)
        if path.parts[:1] == (names.LIBRARIES,):
            return True if len(path.parts) > 1 and self._run.entry(path.parts[1]) is None else None
        return None if self._leads_to_control_plane(path) else True

    def _leads_to_control_plane(self, path: Path) -> bool:
        """Whether ``path`` (relative) is the root, or part of the control plane while that takes part."""
        if not path.parts:
            return True
        if self._run.entry(CONTROL_PLANE) is None:
            return False
        own = [Path(part) for part in _control_plane(self._run)]
        return any(path.is_relative_to(part) or part.is_relative_to(path) for part in own)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """A worker counts what happened since the controller began, not since itself."""
        node.workerinput[_SINCE] = self._run.since.isoformat()

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> ContainerScheduling:
        """One group a container."""
        run = self._run
        return ContainerScheduling(config, log, run.needs, lambda worker, nodeid: journal_crash(run, worker, nodeid))

    def _workspace(self) -> fixtures.Workspace:
        return cast("fixtures.Workspace", self._session.workspace)

    def pytest_unconfigure(self) -> None:
        """Give back connections."""
        self._session.close()
