"""The pytest plugin that the root conftest.py loads.

Loaded by ``pytest_plugins`` in a conftest.py, not by ``-p``: only so do its fixtures override those of testinfra.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.suite import names

if TYPE_CHECKING:
    from harness.suite.run import Run

_MODE, _DIRECTORY = "--gitops", "--gitops-run"
_SKIP = "runs against a container, by ./run verify or ./run deploy only"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The two options that the sessions pass."""
    group = parser.getgroup("gitops", "containers of this repository")
    group.addoption(_MODE, choices=["deploy", "verify"], default=None, help="what to do; absent: touch no container")
    group.addoption(_DIRECTORY, metavar="DIR", type=Path, default=None, help="directory of the run, with plan.json")


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Seams for tests of the suite."""
    from harness.suite import hooks

    pluginmanager.add_hookspecs(hooks)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Before pytest's own plugins read their options."""
    if config.getoption(_MODE) is None:
        return
    from harness.suite import wiring

    wiring.set_options(config, _open(config))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without our option no spec runs, whoever collected it."""
    if config.getoption(_MODE) is not None:
        return
    for item in items:
        if names.container_of(_from_root(config, item)) is not None:
            item.add_marker(pytest.mark.skip(reason=_SKIP))


def _open(config: pytest.Config) -> Run:
    from harness.kit.errors import HarnessError
    from harness.lifecycle import plan_file
    from harness.suite.run import PLAN_FILE, Mode, Run

    directory: Path | None = config.getoption(_DIRECTORY)
    if directory is None:
        raise pytest.UsageError(f"{_MODE} needs {_DIRECTORY}")
    worker = getattr(config, "workerinput", {}).get("workerid", "main")
    try:
        plan = plan_file.read(directory / PLAN_FILE)
    except HarnessError as error:
        raise pytest.UsageError(f"no plan: {error}") from error
    return Run(Mode(config.getoption(_MODE)), config.rootpath, directory.resolve(), plan, worker)


def _from_root(config: pytest.Config, item: pytest.Item) -> str:
    """The node id as seen from the repository's root, also for items collected by another name for it."""
    try:
        return f"{item.path.relative_to(config.rootpath).as_posix()}::{item.name}"
    except ValueError:
        return item.nodeid
