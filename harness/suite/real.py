"""The real stages and workspace of a worker: a plugin that is loaded when nothing else answers the suite's hooks."""

from __future__ import annotations

import os
import sys

import pytest

from harness.lifecycle.stages import LifecycleStages
from harness.lifecycle.workspace import Workspace
from harness.suite.run import Run
from harness.suite.session import Session
from harness.suite.stages_api import Stages


def pytest_gitops_workspace(run: Run) -> Workspace:
    """Nothing is started here: the command that began the run has seen to the node."""
    return Workspace.open(run.root, os.environ, stage=run.stage, start_node=False, say=_say)


def pytest_gitops_stages(run: Run, config: pytest.Config) -> Stages:
    """Those of the lifecycle, with the connections of the workspace that fixtures see."""
    workspace = Session.of(config).workspace
    assert isinstance(workspace, Workspace)
    return LifecycleStages(workspace, run.plan, _say)


def _say(line: str) -> None:
    """Into what pytest captures: shown with a failure, kept in the journal."""
    sys.stdout.write(f"{line}\n")
