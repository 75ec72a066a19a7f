"""The pytest plugin that the root conftest.py loads: its options, and nothing else unless they are given.

Loaded by ``pytest_plugins`` in a conftest.py, not by ``-p``: only so do its fixtures override those of testinfra.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.suite import hooks, names

MODE, DIRECTORY, STAGE = "--gitops", "--gitops-run", "--gitops-stage"
_WIRING = "harness.suite.wiring"
_SKIP = "runs against a container, by ./run verify or ./run deploy only"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options that the sessions pass."""
    group = parser.getgroup("gitops", "containers of this repository")
    group.addoption(MODE, choices=["deploy", "verify"], default=None, help="what to do; absent: touch no container")
    group.addoption(DIRECTORY, metavar="DIR", type=Path, default=None, help="directory of the run, with plan.json")
    group.addoption(STAGE, metavar="NAME", default=None, help="read config.NAME.env beside each config.env")


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Seams for tests of the suite."""
    pluginmanager.add_hookspecs(hooks)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Load the suite where it is asked for; before pytest's own plugins read their options.

    By name: a plain pytest run shall not pay for importing what it does not use.
    """
    if config.getoption(MODE) is not None:
        config.pluginmanager.import_plugin(_WIRING)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without our option no spec runs, whoever collected it."""
    if config.getoption(MODE) is not None:
        return
    for item in items:
        if names.container_of(_from_root(config, item)) is not None:
            item.add_marker(pytest.mark.skip(reason=_SKIP))


def _from_root(config: pytest.Config, item: pytest.Item) -> str:
    """The node id as seen from the repository's root, wherever pytest was started."""
    try:
        return f"{item.path.relative_to(config.rootpath).as_posix()}::{item.name}"
    except ValueError:
        return item.nodeid
