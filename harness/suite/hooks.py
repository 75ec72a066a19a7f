"""Hooks that the suite adds to pytest; tests of the suite answer them with fakes."""

from __future__ import annotations

import pytest

from harness.suite.run import Run
from harness.suite.stages_api import Stages


@pytest.hookspec(firstresult=True)
def pytest_gitops_stages(run: Run, config: pytest.Config) -> Stages | None:  # type: ignore[empty-body]
    """The stages that this process runs; asked once, by the first item that needs them."""


@pytest.hookspec(firstresult=True)
def pytest_gitops_workspace(run: Run, config: pytest.Config) -> object | None:  # type: ignore[empty-body]
    """The workspace that fixtures read; asked once, by the first spec that needs it."""
