"""Hooks that the suite adds to pytest; tests of the suite answer them with fakes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # loaded by every pytest run, most of which need nothing of this
    from harness.suite.run import Run
    from harness.suite.stages_api import Stages


@pytest.hookspec(firstresult=True)
def pytest_gitops_stages(run: Run, config: pytest.Config) -> Stages | None:
    """The stages that this process runs; asked once, by the first item that needs them."""


@pytest.hookspec(firstresult=True)
def pytest_gitops_workspace(run: Run, config: pytest.Config) -> object | None:
    """The workspace that fixtures read; asked once, by the first spec that needs it."""
